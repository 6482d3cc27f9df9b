// 確認テストの四択を、その場で答え合わせのできる問題にする。
(() => {
  const KEY = "dlnotes.quiz.1"
  const boxes = [...document.querySelectorAll(".dl-question")]
  const bar = document.querySelector(".dl-quiz")
  // ブラウザで保存したページには、問題の部品がもうある。
  if (!bar || bar.firstChild) return

  const make = (name, values = {}, ...children) => {
    const element = Object.assign(document.createElement(name), values)
    element.append(...children)
    return element
  }
  const button = (text, press) => make("button", { type: "button", textContent: text, onclick: press })

  // 記録が壊れていても、保存が禁じられていても、黙って記録なしで動く。
  const read = () => {
    try {
      const value = JSON.parse(localStorage.getItem(KEY))
      return value && typeof value === "object" ? value : {}
    } catch {
      return {}
    }
  }
  let record = read(), isKept = true
  const write = () => {
    isKept = false
    try {
      localStorage.setItem(KEY, JSON.stringify(record))
      isKept = localStorage.getItem(KEY) !== null
    } catch {}
  }

  const questions = boxes.map(box => {
    const list = box.querySelector("ol")
    const answer = box.querySelector("details")
    const right = Number(box.dataset.right)
    const key = box.dataset.key
    const inputs = [...list.children].map((item, value) => {
      const input = make("input", { type: "radio", name: key, value, required: true, ariaInvalid: "false" })
      // 番号も名前に入れると、式だけの選択肢も読み上げで区別でき、解説の番号と合う。
      item.append(make("label", {}, input, make("span", { textContent: `${value + 1}.` }), make("span", {}, ...item.childNodes)))
      return input
    })
    const legend = make("legend", {}, ...box.querySelector("p").childNodes)
    const fieldset = make("fieldset", {}, legend, list)
    const status = make("p", { className: "dl-quiz-status" })
    status.setAttribute("role", "status")
    const press = make("button")
    // 再読み込みのとき、ブラウザが前の選択を勝手に戻さないようにする。
    const form = make("form", { autocomplete: "off" }, fieldset, press, status)
    // 絞り込みで一度に書き替わるほかの問題の結果まで、読み上げさせない。
    status.ariaLive = "off"
    form.addEventListener("focusin", () => { status.ariaLive = "polite" })
    form.addEventListener("focusout", () => { status.ariaLive = "off" })
    box.querySelector("p").remove()
    box.prepend(form)

    const saved = () => (Number.isInteger(record[key]) && inputs[record[key]] ? record[key] : undefined)
    const show = chosen => {
      const done = chosen !== undefined
      list.querySelectorAll(".dl-marked").forEach(mark => mark.remove())
      inputs.forEach((input, i) => {
        const marks = done ? [i === right && "正解", i === chosen && "あなたの答え"] : []
        const text = marks.filter(Boolean).join("・")
        const mark = make("strong", { className: "dl-mark", textContent: text })
        // 余白でなく空白で離し、次の行に移ったときに字下げにならないようにする。
        if (text) input.parentElement.lastChild.append(make("span", { className: "dl-marked" }, " ", mark))
        input.checked = i === chosen
        input.disabled = done
      })
      press.textContent = done ? "もう一度" : "答え合わせ"
      status.textContent = !done ? "" : chosen === right ? "正解です。" : `不正解です。正解は ${right + 1} 番です。`
      box.dataset.result = !done ? "" : chosen === right ? "right" : "wrong"
      answer.hidden = !done
      answer.open = done
    }
    form.onsubmit = event => {
      event.preventDefault()
      if (inputs[0].disabled) {
        show()
        inputs[0].focus()
        return
      }
      const chosen = inputs.findIndex(input => input.checked)
      // 別の窓で答えた記録も残す。
      record = { ...record, ...read(), [key]: chosen }
      write()
      show(chosen)
      count()
    }
    const isWrong = () => saved() !== undefined && saved() !== right
    return { box, saved, show, isWrong }
  })

  // 題目は、見出しから次の見出しの前までの要素の集まり。
  const topics = []
  for (const box of boxes) {
    let heading = box
    while (heading.tagName !== "H2") heading = heading.previousElementSibling
    if (topics.some(topic => topic.heading === heading)) continue
    const rest = []
    for (let next = heading; (next = next.nextElementSibling) && !/^(H2|SCRIPT)$/.test(next.tagName); ) rest.push(next)
    const score = make("p", { className: "dl-quiz-score" })
    const name = heading.firstChild.textContent
    const mine = questions.filter(question => rest.includes(question.box))
    heading.after(score)
    topics.push({ heading, rest, score, name, mine, option: make("option") })
  }

  const total = make("p", { className: "dl-quiz-total" })
  const meter = make("progress", { max: questions.length })
  meter.setAttribute("aria-label", "答えた問題の数")
  const tell = list => {
    const done = list.filter(question => question.saved() !== undefined)
    const hits = done.filter(question => !question.isWrong()).length
    return [hits, done.length, `${list.length} 問中 ${done.length} 問に答え、${hits} 問正解`]
  }
  const count = () => {
    const [, done, text] = tell(questions)
    total.textContent = text
    meter.value = done
    for (const topic of topics) {
      const [hits, , text] = tell(topic.mine)
      topic.score.textContent = text
      topic.option.textContent = `${topic.name}（${hits}/${topic.mine.length}）`
    }
  }

  const select = make("select", { autocomplete: "off" }, make("option", { textContent: "すべての題目" }), ...topics.map(topic => topic.option))
  const only = button("間違えた問題だけ", () => {
    only.ariaPressed = only.ariaPressed === "true" ? "false" : "true"
    filter()
  })
  only.ariaPressed = "false"
  const note = make("p", { className: "dl-quiz-note" })
  note.setAttribute("role", "status")
  const filter = (isNew = true) => {
    const wrongOnly = only.ariaPressed === "true"
    let shown = 0
    topics.forEach((topic, i) => {
      const chosen = !select.selectedIndex || select.selectedIndex === i + 1
      const kept = topic.rest.filter(element => {
        const question = topic.mine.find(question => question.box === element)
        const keep = chosen && (!wrongOnly || !!question?.isWrong())
        if (question && isNew) question.show(wrongOnly && keep ? undefined : question.saved())
        if (question && keep) shown++
        element.hidden = !keep
        return keep
      })
      topic.heading.hidden = topic.score.hidden = !kept.length
    })
    // 隠した見出しは、目次では、読み終えた所になってしまう。
    document.body.classList.toggle("dl-filtered", wrongOnly || !!select.selectedIndex)
    const where = select.selectedIndex ? "この題目には、" : ""
    note.textContent = !wrongOnly ? "" : shown ? `間違えた ${shown} 問に、もう一度答えられます。` : `${where}間違えた問題はありません。`
  }
  // 題目を替えただけなら、選びかけの答えを残す。
  select.onchange = () => filter(only.ariaPressed === "true")

  const reset = button("やり直す", () => {
    confirm.hidden = false
    keep.focus()
  })
  const close = text => {
    confirm.hidden = true
    note.textContent = text
    reset.focus()
  }
  const keep = button("消さない", () => close(""))
  const erase = button("記録を消す", () => {
    record = {}
    write()
    only.ariaPressed = "false"
    filter()
    count()
    close("記録を消しました。")
  })
  const confirm = make("div", { className: "dl-quiz-confirm", hidden: true }, make("p", { id: "dl-quiz-confirm", textContent: "答えの記録をすべて消します。元に戻せません。" }), keep, erase)
  confirm.setAttribute("role", "group")
  confirm.setAttribute("aria-labelledby", "dl-quiz-confirm")
  confirm.onkeydown = event => {
    if (event.key === "Escape") close("")
  }

  bar.append(total, meter, make("label", {}, "題目 ", select), only, reset, confirm, note)
  bar.setAttribute("role", "group")
  bar.setAttribute("aria-label", "成績と絞り込み")

  // 目次や検索から、隠れている問題に来たとき。
  const reveal = () => {
    const target = document.querySelector(":target")
    if (!target?.closest("[hidden]")) return
    select.selectedIndex = 0
    only.ariaPressed = "false"
    filter()
    target.scrollIntoView()
  }
  addEventListener("hashchange", reveal)
  // 同じ所へのリンクをもう一度押しても、hashchange は起きない。
  addEventListener("click", event => {
    if (event.target.closest("a")?.hash === location.hash) setTimeout(reveal)
  })

  // 別の窓で答えたことや消したことを写す。「戻る」で前のまま現れたページには、storage は届いていない。
  const follow = () => {
    if (!isKept) return
    const before = questions.map(question => question.saved())
    record = read()
    // 変わらない問題では、選びかけの答えを残す。
    questions.forEach((question, i) => question.saved() === before[i] || question.show(question.saved()))
    count()
  }
  addEventListener("storage", follow)
  addEventListener("pageshow", follow)

  filter()
  count()
})()
