// Material の写しのボタンは、コードごとに名前のない nav に入る。読み上げの目印が増えないよう、その役を外す。
"use strict";

(() => {
  const quiet = () => document.querySelectorAll("nav.md-code__nav:not([role])")
    .forEach(nav => nav.setAttribute("role", "presentation"));
  quiet();
  new MutationObserver(quiet).observe(document.querySelector("article"), {childList: true, subtree: true});
})();
