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
      found.textContent = "索引を読み込んで、探しています…（終わらなければ、通信を確かめて、ページを読み直してください）";
    }
  });
  // 見つかった数と、写したことを読み上げさせる。
  [found, document.querySelector(".md-dialog__inner")].forEach(box => box.setAttribute("role", "status"));
  // article を含むリンクには、中身からの名前が付かない。
  new MutationObserver(() => document.querySelectorAll(".md-search-result__link:not([aria-label])")
    .forEach(link => {
      link.setAttribute("aria-label", link.querySelector("h1, h2").textContent);
      // Material は、移った先で、言葉のうち索引に当たった一部（「関数」なら「関」）にだけ印を付ける。
      const address = new URL(link.href);
      // 端の記号（「」や。など）は空の言葉になり、字という字の間に印が付く。
      const words = search.value.normalize("NFKC").replace(/[^\p{L}\p{N}\p{M}_]+/gu, " ");
      address.searchParams.set("h", words.trim());
      link.href = address;
    }))
    .observe(document.querySelector(".md-search-result__list"), {childList: true, subtree: true});
  // 検索を Escape で閉じたら、読んでいたところへ焦点を戻す。
  let before, pressed;
  search.addEventListener("focus", event => { before = event.relatedTarget; });
  search.addEventListener("keydown", event => { pressed = event.key; });
  search.addEventListener("blur", () => {
    if (pressed === "Escape" && before) setTimeout(() => before.focus({preventScroll: true}));
    pressed = undefined;
  });

  // Material のメニューは label で開くので、焦点も役も状態もない。中に、それのあるボタンを置く。
  const drawer = document.getElementById("__drawer");
  const isSeen = element => element.checkVisibility({visibilityProperty: true});
  const button = label => {
    const toggle = document.getElementById(label.htmlFor);
    const inner = document.createElement("span");
    const tell = () => inner.setAttribute("aria-expanded", toggle.checked);
    inner.append(...label.childNodes);
    label.append(inner);
    inner.className = "dl-press";
    inner.tabIndex = 0;
    inner.setAttribute("role", "button");
    tell();
    toggle.addEventListener("change", tell);
    inner.addEventListener("keydown", event => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      label.click();
      // 段が替わって隠れたら、同じ段のもう一つへ焦点を移す。
      setTimeout(() => {
        if (isSeen(inner)) return;
        const same = document.querySelectorAll(`.md-nav--primary [for="${label.htmlFor}"] > .dl-press`);
        [...same].find(isSeen)?.focus();
      });
    });
    return inner;
  };
  const menu = button(document.querySelector('.md-header [for="__drawer"]'));
  menu.setAttribute("aria-label", "メニュー");
  document.querySelectorAll('.md-nav--primary label:not([for="__drawer"])').forEach(button);
  drawer.addEventListener("change", () => {
    const parts = [...document.querySelectorAll(".md-nav--primary :is(a, .dl-press)")];
    (drawer.checked ? parts.find(isSeen) : menu).focus();
  });
  addEventListener("keydown", event => {
    if (event.key === "Escape" && drawer.checked) drawer.click();
  });
  // Material は、日本語の見出しと、いまの見出しへのリンクでは、メニューを閉じない。
  // 狭い画面の検索は、閉じると、開いたときの所（body の top に控える）へ戻る。選ばれた見出しへ戻らせる。
  addEventListener("click", event => {
    const link = event.target.closest(".md-nav--primary a, .md-search-result a");
    if (!link?.hash || link.href.split("#")[0] !== location.href.split("#")[0]) return;
    if (drawer.checked) drawer.click();
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (!heading || !document.body.hasAttribute("data-md-scrolllock")) return;
    const {top} = document.body.getBoundingClientRect();
    const room = document.querySelector(".md-header").offsetHeight + 20;
    document.body.style.top = `${top + room - heading.getBoundingClientRect().top}px`;
  });
  document.querySelector(".md-nav--primary a.md-nav__link--active:not(.md-nav--secondary *)")
    ?.setAttribute("aria-current", "page");
})();
