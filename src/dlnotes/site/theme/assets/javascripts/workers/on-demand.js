// 検索の索引と日本語を区切る道具は合わせて 200 kB を超えるので、言葉が打ちこまれるまで取りにいかない。
// Material は、ページを開くとすぐに索引を取り、検索のワーカーに渡す。そこで、ページには空の索引を置き、
// 本物の索引は、初めて問われたときにここで取って、Material のワーカー（? の後の名前）に渡す。
"use strict";

const SETUP = 0, READY = 1, QUERY = 2, RESULT = 3;
const reply = self.postMessage.bind(self);
const deliver = data => self.dispatchEvent(new MessageEvent("message", {data}));
// 読む人のコードもこの worker を始められ、ページの決まり（CSP）はここに及ばない。よその住所は読まない。
const script = location.search.slice(1);
if (!/^search\.\w+\.min\.js$/.test(script)) throw new Error(script);
let setup, ready, latest, imported;
// 全角の英数字と半角のカタカナで打たれても、索引の字で探す。lunr の演算子になる記号は、ただの区切りとする。
const plain = text => text.replace(/[０-９Ａ-Ｚａ-ｚ]|[ｦ-ﾟ]+/g, part => part.normalize("NFKC")).replace(/[:^~]/g, " ");

const load = async () => {
  const {docs} = await (await fetch("../../../search/index.json")).json();
  if (!imported) importScripts(script);
  imported = true;
  await new Promise((resolve, reject) => {
    // 用意ができたという返事は、ページにはもう送ってある。
    self.postMessage = resolve;
    // 日本語を区切る道具が届かなければ、返事もない。
    self.addEventListener("unhandledrejection", event => reject(event.reason), {once: true});
    deliver({type: SETUP, data: {...setup, docs}});
  }).finally(() => { self.postMessage = reply; });
};

self.addEventListener("message", async event => {
  if (!event.isTrusted) return; // deliver が送ったもの
  event.stopImmediatePropagation();
  const {type, data} = event.data;
  if (type === SETUP) {
    setup = data;
    reply({type: READY});
    return;
  }
  latest = event;
  if (type === QUERY && data === "") {
    reply({type: RESULT, data: {items: []}});
  } else {
    // つながらなければ、次に打ちこまれたときに取り直す。
    ready ??= load().catch(error => { ready = undefined; throw error; });
    await ready;
    // 待つ間に打ち直されたら、古い言葉の結果を見せない。
    if (event === latest) deliver({type, data: type === QUERY ? plain(data) : data});
  }
});
