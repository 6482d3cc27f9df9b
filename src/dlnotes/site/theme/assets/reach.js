// Material のスクリプトが作る部品を、読み上げとキーボードで使えるようにする。
"use strict";

(() => {
  const article = document.querySelector("article");

  // 横に動かすコードと表と式には、キーボードでも届くようにする。大きさの決まった後に呼ばれるので、組み直しを起こさない。
  const sizes = new ResizeObserver(entries => entries.forEach(({target}) => {
    const box = target.closest(".md-typeset__scrollwrap") || target;
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }));
  article.querySelectorAll(".md-typeset__scrollwrap, .md-typeset__table, pre > code, div.arithmatex").forEach(box => sizes.observe(box));
  const mend = () => {
    // 写しのボタンはコードごとに名前のない nav に入るので、読み上げの目印にならないようにする。
    document.querySelectorAll("nav.md-code__nav:not([role])")
      .forEach(nav => nav.setAttribute("role", "presentation"));
  };
  mend();
  new MutationObserver(mend).observe(article, {childList: true, subtree: true});

  // Material は、キーが離されたときにしか探さない。貼り付けや音声入力でも探すようにする。
  const search = document.querySelector(".md-search__input");
  const found = document.querySelector(".md-search-result__meta");
  const empty = "検索キーワードを入力してください"; // 言葉がないときの、Material の決まり文句
  search.addEventListener("input", () => {
    search.dispatchEvent(new KeyboardEvent("keyup"));
    // 初めの一度は、電話では索引に何秒もかかる。その間、入力をうながす文を残さない。
    if (search.value && found.textContent.trim() === empty) {
      found.textContent = "索引を読みこんで、探しています…（終わらなければ、通信を確かめて、打ち直してください）";
    }
  });
})();
