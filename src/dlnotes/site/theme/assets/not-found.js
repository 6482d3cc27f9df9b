// 404 のページで、開こうとした住所に名前の近いページを、三つまで先に出す。
(() => {
  const near = document.querySelector(".dl-near")
  const name = path => path.toLowerCase().replace(/\/?(index)?(\.\w+)?$/, "").split("/").pop()
  const pairs = text => new Set([...text].slice(1).map((letter, i) => text[i] + letter))
  const likeness = (a, b) => {
    const [one, other] = [pairs(a), pairs(b)]
    const both = [...one].filter(pair => other.has(pair)).length
    return (2 * both) / (one.size + other.size || 1)
  }
  const asked = name(location.pathname)
  const pages = [...document.querySelectorAll(".dl-all-pages li")]
    .map(item => [likeness(asked, name(item.firstChild.pathname)), item])
    .filter(([alike]) => alike > 0.3)
    .sort(([a], [b]) => b - a)
    .slice(0, 3)
  near.querySelector("ul").append(...pages.map(([, item]) => item.cloneNode(true)))
  near.hidden = pages.length === 0
})()
