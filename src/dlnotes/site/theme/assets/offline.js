// file: のページでは、ブラウザが worker を動かさない。検索の worker の代わりに、隠した iframe の中で同じスクリプトを動かす。
// Material の検索のスクリプトは、親のページに IFrameWorker があれば、部品を iframe から見た場所に取りにいく。
"use strict"
window.Worker = window.IFrameWorker = class extends EventTarget {
  #inside
  #loaded

  constructor(address) {
    super()
    const frame = document.createElement("iframe")
    frame.hidden = true
    document.body.append(frame)
    const inside = this.#inside = frame.contentWindow
    // 書き直しておくと、空のページが後から届いて、入れたスクリプトが消えることがない。
    inside.document.open()
    inside.document.close()
    const load = src => new Promise((onload, onerror) => {
      const script = Object.assign(inside.document.createElement("script"), { src, onload, onerror })
      inside.document.documentElement.append(script)
    })
    inside.importScripts = async (...addresses) => { for (const src of addresses) await load(src) }
    inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
    // 索引を作るあいだページが止まるので、検索の欄が使われるまでは作らない。
    const asked = new Promise(resolve => {
      document.querySelector(".md-search__input").addEventListener("focus", resolve, { once: true })
    })
    this.#loaded = asked.then(() => load(address))
  }

  async postMessage(data) {
    await this.#loaded
    // 打たれた言葉の字を、on-demand.js と同じようにそろえる。
    const plain = text => text.replace(/[０-９Ａ-Ｚａ-ｚ]|[ｦ-ﾟ]+/g, part => part.normalize("NFKC")).replace(/[:^~]/g, " ")
    if (typeof data.data === "string") data = { ...data, data: plain(data.data) }
    this.#inside.dispatchEvent(new MessageEvent("message", { data }))
  }
}
