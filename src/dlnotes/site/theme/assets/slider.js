// つまみで動かす図。コマの画像は、つまみが動かされるまで取りにいかない。
(() => {
  const wire = (figure) => {
    const control = figure.querySelector(".dl-slider__control")
    const [label, output] = control.children
    const sources = [...figure.querySelector("template").content.children]
    const values = sources.filter((_, i) => i % 2 === 0).map((image) => image.dataset.value)
    // コマごとの、明るい配色と暗い配色の画像。
    const pairs = []
    const pair = (i) => (pairs[i] ??= sources.slice(2 * i, 2 * i + 2).map((s) => document.importNode(s)))
    let shown = [...figure.querySelectorAll(":scope > img")]
    const start = values.indexOf(output.value)
    pairs[start] = shown

    const range = Object.assign(document.createElement("input"), {
      type: "range", id: label.htmlFor = `slider-${document.querySelectorAll("input").length}`,
      max: values.length - 1, value: start, autocomplete: "off",
    })
    range.setAttribute("aria-valuetext", values[start])

    // いまの配色の画像だけを取りにいき、描ける形になるまで待つ。
    const load = (i) => {
      const scheme = shown.findIndex((image) => getComputedStyle(image).display !== "none")
      const image = pair(i)[Math.max(scheme, 0)]
      image.loading = "eager"
      return image.decode()
    }
    range.addEventListener("input", async () => {
      const i = +range.value
      output.value = values[i]
      range.setAttribute("aria-valuetext", values[i])
      // 取れなければ代替文を見せ、次に動かしたときにまた取りにいく。
      const arrived = await load(i).then(() => true, () => false)
      if (i !== +range.value || shown === pair(i)) return
      shown.forEach((image, k) => image.replaceWith(pair(i)[k]))
      shown = pair(i)
      if (!arrived) delete pairs[i]
      values.forEach((_, k) => load(k).catch(() => delete pairs[k]))
    })
    control.append(range)
  }
  // ブラウザで保存したページには、つまみがもうある。
  document.querySelectorAll(".dl-slider:not(:has(input))").forEach(wire)
})()
