// 用語の説明を、指したとき、焦点が来たとき、触れたときに見せる。なければ、用語集へのただのリンクとして働く。
(() => {
  "use strict";
  if (!HTMLElement.prototype.showPopover) return;

  const TERM = "a.dl-term", GAP = 8;
  const box = document.createElement("div");
  const text = document.createElement("p");
  const more = document.createElement("a");
  box.className = "dl-definition";
  // auto なら、Escape と外を押すことで閉じるのはブラウザがしてくれる。
  box.popover = "auto";
  text.id = "dl-definition";
  more.textContent = "用語集で見る";
  box.append(text, more);

  let shown = null, timer = 0, finger = false;

  const place = (term) => {
    const root = document.documentElement;
    const lines = term.getClientRects(), line = lines[lines.length - 1];
    const left = Math.min(line.left, root.clientWidth - box.offsetWidth - GAP);
    const below = line.bottom + GAP, above = lines[0].top - box.offsetHeight - GAP;
    const top = below + box.offsetHeight > root.clientHeight && above > 0 ? above : below;
    box.style.left = `${Math.max(left, GAP) + scrollX}px`;
    box.style.top = `${top + scrollY}px`;
  };

  const show = (term) => {
    clearTimeout(timer);
    if (shown === term) return;
    if (shown) box.hidePopover();
    // 本文の中に置き、どこの説明かが読み上げでもわかるようにする。
    term.closest("article").append(box);
    text.textContent = term.dataset.definition;
    more.href = term.href;
    term.setAttribute("aria-describedby", text.id);
    shown = term;
    box.showPopover();
    place(term);
  };

  const hide = () => {
    clearTimeout(timer);
    if (shown) box.hidePopover();
  };

  const later = (action, wait) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait);
  };

  const termOf = (event) => event.target instanceof Element && event.target.closest(TERM);

  box.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "closed" || !shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
  });
  document.addEventListener("pointerdown", (event) => { finger = event.pointerType !== "mouse"; }, true);
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const term = termOf(event);
    if (term) later(() => show(term), 150);
    else if (box.contains(event.target)) clearTimeout(timer);
    else later(hide, 300);
  });
  document.addEventListener("focusin", (event) => {
    const term = termOf(event);
    if (term && term.matches(":focus-visible")) show(term);
    else if (!box.contains(event.target)) hide();
  });
  document.addEventListener("click", (event) => {
    const term = termOf(event);
    // detail が 0 なのは、キーボードで押したとき。
    if (!term || !finger || !event.detail) return;
    event.preventDefault();
    show(term);
  });
})();
