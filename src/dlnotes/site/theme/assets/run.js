// Python のコードに「▶ 実行」「編集」などのボタンをつける。実行環境は、初めて押されるまで取りにいかない。
(() => {
  const blocks = [...document.querySelectorAll("article .language-python.highlight")]
    .filter(box => !box.closest(".doc-object"))
  // file: のページでは、ブラウザが worker を動かさない。
  if (location.protocol === "file:" || !blocks.length) return
  const address = new URL("run-worker.js", document.currentScript.src).href
  const isNotebook = document.querySelector("article .dl-notebook-links")
  const LOST = "変数は失われました。"
  // draw.js も同じ Python を使う。
  window.dlnotes = { press, stop: () => end("止めました。" + LOST) }

  let worker, booted, jobs = [], finished = new Map()

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties)
    element.append(...children)
    return element
  }
  const remember = (key, value) => {
    try {
      if (value === undefined) return JSON.parse(sessionStorage.getItem(key))
      value === null ? sessionStorage.removeItem(key) : sessionStorage.setItem(key, JSON.stringify(value))
    } catch { /* 保存できない設定のブラウザでは、覚えない。 */ }
  }

  function press(block) {
    if (jobs.includes(block)) return
    // ノートブックのコードは上のコードの続きなので、まだのものと、直したものから下を先に動かす。
    const above = isNotebook ? all.slice(0, all.indexOf(block)) : []
    const first = above.findIndex(b => finished.get(b) !== b.text())
    const earlier = first < 0 ? [] : above.slice(first).filter(b => !jobs.includes(b))
    const isIdle = !jobs.length
    jobs.push(...earlier, block)
    earlier.forEach(b => b.wait("順番を待っています。"))
    block.wait(earlier.length ? `先に、上の ${earlier.length} 個のコードを動かします。` : "順番を待っています。")
    if (isIdle) next()
  }

  function next() {
    if (!jobs.length) return
    if (!worker) {
      // blob: から始めた worker は、ページの Content-Security-Policy を受けつぐ。
      const start = URL.createObjectURL(new Blob([`import ${JSON.stringify(address)}`], { type: "text/javascript" }))
      const mine = worker = new Worker(start, { type: "module" })
      // 終えた worker からも、送りかけの知らせが届くことがある。
      worker.onmessage = ({ data: [kind, ...values] }) => { if (mine === worker) hear[kind](...values) }
      worker.onerror = () => { if (mine === worker) booted ? hear.dead() : hear.unloaded() }
      jobs[0].say("Python を読み込んでいます。はじめは少し時間がかかります。")
    } else {
      jobs[0].say("実行中です。")
    }
    const number = all.indexOf(jobs[0])
    worker.postMessage([jobs[0].code(), number, isNotebook ? number - 1 : undefined])
  }

  function discard() {
    worker?.terminate()
    worker = booted = undefined
    finished.clear()
  }

  // 続きの要るものも含めて終わらせ、Python を捨てる。
  function end(message, isError) {
    discard()
    jobs.splice(0).forEach((job, i) => job.end(i ? "動かしていません。" : message, isError && !i))
  }

  const hear = {
    progress: (done, total) => jobs[0].progress(done, total),
    starting: () => jobs[0].say("Python を始めています。"),
    drawing: () => jobs[0].say("図を描くライブラリーを読み込んでいます。"),
    running: () => { booted = true; jobs[0].say("実行中です。") },
    out: text => jobs[0].print(text, "out"),
    err: text => jobs[0].print(text, "err"),
    figure: (light, dark) => jobs[0].draw(light, dark),
    cut: total => jobs[0].print(`\n（出力が長いので、${total.toLocaleString()} 字のうちのはじめだけを表示しています）\n`, "note"),
    full: () => jobs[0].say("実行中です。出力が長いので、続きは表示しません。"),
    done: (seconds, problem) => {
      const job = jobs.shift()
      const time = `${seconds.toFixed(2)} 秒`
      if (problem) {
        const [line, text] = problem
        job.print(`${line ? `${line} 行目 ` : ""}${text}\n`, "error")
        // 足りなくなったメモリーは、変数が残るかぎり空かない。
        const isFull = text.startsWith("MemoryError")
        if (isFull) discard()
        job.end(`エラーで止まりました（${time}）。${isFull ? LOST : job.remains?.() ?? ""}`, true)
        if (isNotebook) jobs.splice(0).forEach(j => j.end("上のコードがエラーで止まったので、動かしていません。"))
      } else {
        // 直したコードを動かしたら、下のコードの変数は古い。
        if (finished.get(job) !== job.sent?.()) all.slice(all.indexOf(job) + 1).forEach(b => finished.delete(b))
        finished.set(job, job.sent?.())
        job.end(time + job.compare())
      }
      next()
    },
    unloaded: () => {
      const message = "Python を読み込めませんでした。通信を確かめて、もう一度押してください。"
      if (!booted) return end(message, true)
      // サイトが新しくなり、この Python の取る先が消えていれば、何度押しても届かない。
      jobs.splice(0).forEach(job => job.end(message + "だめなら、ページを読み直してください。", true))
    },
    dead: () => end("Python が止まりました。" + LOST + "もう一度押すと、はじめから動きます。", true),
  }

  function attach(box, number) {
    const pre = box.querySelector("pre"), source = pre.querySelector("code").textContent
    const key = `dlnotes.run.${location.pathname}.${number}`
    let editor, undone, sent, printed
    const button = (textContent, onclick) => make("button", { type: "button", textContent, onclick })
    const run = button("▶ 実行", () => press(block))
    const edit = button("編集", () => open(undone ?? source).focus())
    const reset = button("元に戻す", close)
    const stop = button("停止", window.dlnotes.stop)
    const bar = make("progress", { max: 1, hidden: true })
    const status = make("span")
    bar.setAttribute("aria-label", "読み込み")
    status.setAttribute("role", "status")
    const result = make("div", { className: "dl-run-result", hidden: true })
    box.classList.add("dl-runs")
    box.append(make("div", { className: "dl-run" }, run, stop, edit, reset, bar, status), result)
    stop.hidden = reset.hidden = true

    function open(text) {
      editor = make("textarea", { value: text, spellcheck: false, wrap: "off", autocapitalize: "off" })
      editor.setAttribute("aria-label", "コード")
      if (text !== source) remember(key, [source, text])
      status.classList.remove("error")
      // Tab で字下げする欄から出る方法は、見える字でも言う。
      status.textContent = "Tab は字下げ、Esc のあとの Tab は次へ移動、Ctrl+Enter は実行です。"
      const fit = () => { editor.rows = editor.value.split("\n").length }
      let leave
      editor.oninput = () => {
        fit()
        undone = undefined
        remember(key, [source, editor.value])
      }
      editor.onblur = () => { leave = false }
      editor.onkeydown = event => {
        const { key, ctrlKey, metaKey, shiftKey, isComposing, keyCode } = event
        // Safari は、変換を決めた Enter を、変換が終わってから 229 として知らせる。
        if (isComposing || keyCode === 229) return
        if (key !== "Tab" && key !== "Shift") leave = key === "Escape"
        let text
        if (key === "Tab" && !leave && !shiftKey) {
          const { selectionStart, selectionEnd, value } = editor
          // 何行かを選んだら、初めの行の頭から、最後の行の終わりまでを字下げする。
          if (value.slice(selectionStart, selectionEnd).includes("\n")) {
            const head = value.slice(0, selectionStart).lastIndexOf("\n") + 1
            editor.setSelectionRange(head, value[selectionEnd - 1] === "\n" ? selectionEnd - 1 : selectionEnd)
          }
          text = value.slice(editor.selectionStart, editor.selectionEnd).replace(/^/gm, "    ")
        }
        if (key === "Enter") {
          const line = editor.value.slice(0, editor.selectionStart).split("\n").pop()
          text = "\n" + line.match(/^[ \t]*/)[0] + (/:\s*$/.test(line) ? "    " : "")
        }
        if (text === undefined) return
        event.preventDefault()
        if (key === "Enter" && (ctrlKey || metaKey)) press(block)
        // 取り消し（Ctrl+Z）の記録に残る入れ方。
        else document.execCommand("insertText", false, text)
      }
      fit()
      pre.hidden = edit.hidden = true
      reset.hidden = false
      pre.after(editor)
      return editor
    }

    // 押しまちがえても、もう一度「編集」を押せば、直したものに戻る。
    function close() {
      undone = editor.value === source ? undefined : editor.value
      editor.remove()
      editor = undefined
      remember(key, null)
      // 直したコードの結果を、元のコードの下に残さない。
      if (stop.hidden && sent !== source) result.hidden = true
      pre.hidden = edit.hidden = false
      reset.hidden = true
      status.classList.remove("error")
      status.textContent = undone === undefined ? "" : "元のコードに戻しました。「編集」で、直したコードを取り戻せます。"
      edit.focus()
    }

    const block = {
      text: () => editor ? editor.value : source,
      code: () => sent = block.text(),
      sent: () => sent,
      say: text => { status.textContent = text },
      wait(text) {
        printed = ""
        result.replaceChildren()
        result.hidden = true
        stop.hidden = false
        run.setAttribute("aria-disabled", "true")
        status.classList.remove("error")
        block.say(text)
      },
      progress(done, total) {
        bar.hidden = false
        bar.value = done / total
      },
      print(text, kind) {
        if (kind === "out") printed += text
        result.hidden = false
        let last = result.lastElementChild
        if (last?.tagName !== "PRE") {
          last = make("pre", { tabIndex: 0 })
          last.setAttribute("role", "region")
          last.setAttribute("aria-label", "実行の結果")
          result.append(last)
        }
        if (last.lastChild?.className !== kind) last.append(make("span", { className: kind }))
        last.lastChild.append(text)
      },
      draw(light, dark) {
        const alt = /^# 図: *(.+)$/m.exec(sent)?.[1] || "コードが描いた図"
        const image = (svg, scheme) => make("img", { alt, src: `data:image/svg+xml,${encodeURIComponent(svg)}#only-${scheme}` })
        result.append(make("span", { className: "dl-figure" }, image(light, "light"), image(dark, "dark")))
        result.hidden = false
      },
      // ページのコードは、囲み一つで動く。動かないのは、直したコードの跡があるとき。
      remains: () => sent === source && !isNotebook ? "ほかのコードで変えた名前や設定が残っていれば、ページを読み直すと消えます。" : "",
      // 編集していないコードの出力を、ページに印字されたものと比べる。
      compare() {
        if (sent !== source) return ""
        let expected = ""
        for (let e = box.nextElementSibling; e; e = e.nextElementSibling) {
          if (e.matches(".language-text")) expected += e.querySelector("pre").textContent.trimEnd() + "\n"
          else if (!e.matches(".dl-plot")) break
        }
        if (!expected) return ""
        return printed.trimEnd() === expected.trimEnd() ? "、ページの出力と同じ" : `、ページの出力と違います。${block.remains()}`
      },
      end(text, isError) {
        // 隠すと、焦点が失われる。
        if (stop.matches(":focus")) run.focus()
        bar.hidden = stop.hidden = true
        // 動いている間に元に戻したときも。
        if (!editor && sent !== source) result.hidden = true
        run.removeAttribute("aria-disabled")
        block.say(text)
        status.classList.toggle("error", !!isError)
      },
    }
    const kept = remember(key)
    if (kept?.[0] === source) open(kept[1])
    return block
  }

  const all = blocks.map(attach)
})()
