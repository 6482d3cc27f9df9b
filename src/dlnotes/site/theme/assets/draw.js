// 読む人の曲線や式を近似して見せる。計算は dlnotes がし、ここでは頼んで見せるだけ。
(() => {
  const box = document.querySelector(".dl-draw"), python = window.dlnotes
  if (!box || !python) return
  box.append(box.firstElementChild.content.cloneNode(true))
  const all = selector => box.querySelectorAll(selector)
  const [svg, high, low, , , form, bar, status, output] = all("svg, span, form, output, progress")
  const [text, units] = all("input"), [stop, submit, clear] = all("button")
  let strokes = [], stroke, asked, printed, again

  const show = ({ says, paths = [], ends = [1, "−1"] }) => {
    job.say(says)
    // 近似できなければ、線がない。
    status.classList.toggle("error", !!asked && !paths.length)
    svg.ariaLabel = `グラフ。${says}`
    // 節の点が多いと、つながって、線を隠してしまう。
    all("path")[3].style.strokeWidth = units.value > 24 ? "4px" : ""
    // 初めの path は、いま描いている線。
    all("path").forEach((path, i) => path.setAttribute("d", paths[i - 1] ?? ""));
    [high.textContent, low.textContent] = ends
  }
  // run.js の列に並ぶもの。
  const job = {
    code: () => `print(__import__("dlnotes.site.draw").site.draw.answer(${JSON.stringify(JSON.stringify({ ...asked, units: +units.value }))}))`,
    say: message => { status.textContent = message },
    wait(message) {
      printed = ""
      again = stop.hidden = false
      job.say(message)
    },
    progress(done, total) {
      bar.hidden = false
      bar.value = done / total
    },
    print: part => { printed += part },
    compare: () => "",
    end(message) {
      // 隠すと、焦点が失われる。
      if (stop.matches(":focus")) submit.focus()
      bar.hidden = stop.hidden = true
      if (again) return setTimeout(ask, 0, asked)
      try {
        show(JSON.parse(printed))
      } catch {
        job.say(printed + message)
      }
    },
  }
  // 途中で頼みが変わったら、終わってから頼み直す。
  const ask = source => {
    asked = source
    again = !stop.hidden
    if (!again) asked ? python.press(job) : show({ says: "消しました。" })
  }
  const erase = () => {
    strokes = []
    ask()
  }

  const place = ({ clientX, clientY }) => {
    const { left, top, width, height } = svg.getBoundingClientRect()
    return [(clientX - left) / width, (clientY - top) / height].map(part => Math.round(part * 1000))
  }
  svg.onpointerdown = event => {
    if (event.button || !event.isPrimary) return
    svg.setPointerCapture(event.pointerId)
    if (asked?.formula) erase()
    stroke = [place(event)]
  }
  svg.onpointermove = event => {
    if (!stroke || !event.isPrimary) return
    stroke.push(place(event))
    all("path")[0].setAttribute("d", "M" + stroke.join("L"))
  }
  svg.onpointerup = svg.onpointercancel = () => {
    // 触れただけでは頼まない。
    if (stroke?.[1]) {
      strokes.push(stroke)
      ask({ strokes })
    }
    stroke = null
  }
  form.onsubmit = event => {
    event.preventDefault()
    strokes = []
    ask({ formula: text.value })
  }
  units.oninput = () => {
    output.value = units.value
    if (asked) ask(asked)
  }
  clear.onclick = erase
  stop.onclick = () => {
    again = false
    python.stop()
  }
})()
