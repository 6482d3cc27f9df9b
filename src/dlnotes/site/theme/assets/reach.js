// Material のスクリプトが作る部品を、読み上げとキーボードで使えるようにする。
"use strict";

(() => {
  const mend = () => {
    // 写しのボタンはコードごとに名前のない nav に入るので、読み上げの目印にならないようにする。
    document.querySelectorAll("nav.md-code__nav:not([role])")
      .forEach(nav => nav.setAttribute("role", "presentation"));
    // 横に動かす表には、キーボードでも届くようにする。
    document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])").forEach(wrap => {
      if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
    });
  };
  mend();
  const article = document.querySelector("article");
  new MutationObserver(mend).observe(article, {childList: true, subtree: true});
  article.addEventListener("toggle", mend, true);
  addEventListener("resize", mend);
  // Material は、キーが離されたときにしか探さない。貼り付けや音声入力でも探すようにする。
  const search = document.querySelector(".md-search__input");
  search.addEventListener("input", () => search.dispatchEvent(new KeyboardEvent("keyup")));
})();
