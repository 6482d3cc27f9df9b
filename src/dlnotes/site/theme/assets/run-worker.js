// ページの中で Python を動かす。最初の実行のときに、run.js が module worker として始める。
// 読む人のコードもこれを worker として始められる。ページの決まり（CSP）を受けつぐのは、blob: から始めたものだけ。
if (location.protocol !== "blob:") throw new Error("run.js から始めてください")
const runtime = new URL("../runtime/", import.meta.url).href

// 出力は行ごとに送る。速すぎる出力はまとめ、多すぎる出力は切りすてる。
const PYTHON = String.raw`
import io, linecache, os, re, sys, tempfile, time, traceback, unicodedata, warnings

LIMIT = 100_000
NAMES = {
    "SyntaxError": "文法の誤り", "IndentationError": "字下げの誤り", "TabError": "字下げの誤り",
    "NameError": "定義されていない名前", "UnboundLocalError": "値の入っていない名前",
    "TypeError": "型の誤り", "ValueError": "値の誤り", "IndexError": "番号が範囲の外",
    "KeyError": "ない鍵", "AttributeError": "ない属性", "ZeroDivisionError": "0 での割り算",
    "ModuleNotFoundError": "ここでは使えないモジュール", "ImportError": "import の失敗",
    "AssertionError": "assert が成り立たない", "MemoryError": "メモリーの不足",
    "RecursionError": "深すぎる再帰", "OverflowError": "大きすぎる数", "LinAlgError": "線形代数の計算の失敗",
    "RuntimeWarning": "計算の警告", "FileNotFoundError": "ないファイル", "EOFError": "ここでは input を使えない",
    "OSError": "入出力の失敗", "StopIteration": "次の値がない", "KeyboardInterrupt": "中断",
    "Warning": "警告", "RuntimeError": "実行の失敗",
}


class Stream(io.TextIOBase):
    def __init__(self, kind):
        self.kind, self.waiting = kind, []

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"文字列が必要ですが {type(text).__name__} でした")
        room = LIMIT - Stream.total if Stream.live else 0
        Stream.total += len(text)
        if room > 0:
            self.waiting.append(text[:room])
            if len(text) > room:
                self.flush()
                emit("full")
            now = time.monotonic()
            if "\n" in text and (Stream.sent < 200 or now - Stream.last > 0.1):
                Stream.sent, Stream.last = Stream.sent + 1, now
                self.flush()
        return len(text)

    def flush(self):
        if self.waiting:
            emit(self.kind, "".join(self.waiting))
            self.waiting.clear()


# コードが終わった後に asyncio などが出すものは、どのコードの結果でもないので、送らない。
Stream.live = False
Stream.total = Stream.sent = Stream.last = 0
out, err = sys.stdout, sys.stderr = Stream("out"), Stream("err")
names = {"__name__": "__main__", "__builtins__": __builtins__}
after = {-1: dict(names)}


def explain(error, filename):
    rows = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == filename]
    # eval などに渡した文字の誤りなら、行の番号はその文字の中のもの。
    mine = isinstance(error, SyntaxError) and error.filename == filename
    line = error.lineno if mine else rows[-1] if rows else None
    kind = type(error).__name__
    known = (NAMES[c.__name__] for c in type(error).__mro__ if c.__name__ in NAMES)
    kind += f"（{name}）" if (name := next(known, "")) else ""
    # 続く行は Pyodide の使い方の案内で、このページではできない。
    # TracebackException の文には、似た名前の案内も付く。
    text = error.msg if isinstance(error, SyntaxError) else str(traceback.TracebackException.from_exception(error)).split("\nThe module '")[0]
    # 全角の空白は、見ただけではわからない。
    if isinstance(error, SyntaxError) and (found := re.search(r"invalid .*character.*U\+([0-9A-F]+)", text)):
        full = chr(int(found[1], 16))
        half = {"“": '"', "”": '"', "‘": "'", "’": "'", "、": ",", "。": "."}.get(full, unicodedata.normalize("NFKC", full))
        if half != full:
            text += f"（全角の{f'「{full}」を「{half}」' if half.strip() else '空白を半角'}に直してください）"
    return line, f"{kind}: {text}" if text else kind


def figures():
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None or not Stream.live:
        return
    from dlnotes.figures._style import to_dark
    for number in plt.get_fignums():
        buffer = io.StringIO()
        # 点の多い図は、一つずつ描くとページが止まる。
        for artist in plt.figure(number).findobj(lambda a: hasattr(a, "get_offsets") or hasattr(a, "get_xydata")):
            points = artist.get_offsets() if hasattr(artist, "get_offsets") else artist.get_xydata()
            artist.set_rasterized(artist.get_rasterized() or len(points) > 10_000)
        plt.figure(number).savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        out.flush(), err.flush()
        emit("figure", buffer.getvalue(), to_dark(buffer.getvalue()))
    plt.close("all")


def prepare_matplotlib():
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    from dlnotes.figures import _style
    _style.use_style()
    plt.show = lambda *args, **options: figures()


def run(code, number, above):
    filename = f"<{number}>"
    Stream.total = Stream.sent = 0
    # 誤りで止まったコードの図が、このコードの図として出ないようにする。
    if plt := sys.modules.get("matplotlib.pyplot"):
        plt.close("all")
    Stream.live = True
    # ノートブックでは、下のコードが変えた名前を、上のコードを終えたときのものに戻す。
    if above in after:
        names.clear()
        names.update(after[above])
    names["__file__"] = filename
    linecache.cache[filename] = len(code), None, code.splitlines(True), filename
    problem = None
    try:
        # テストでの約束と同じく、警告も誤りとする。
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # ふつうの Python では見えない、閉じ忘れたファイルの知らせ。
            warnings.simplefilter("ignore", ResourceWarning)
            exec(compile(code, filename, "exec"), names)
            figures()
    except SystemExit as stop:
        if not isinstance(stop.code, int | None):
            print(stop.code, file=err)
    except BaseException as error:
        problem = explain(error, filename)
        error.__traceback__ = None
    out.flush(), err.flush()
    if Stream.total > LIMIT:
        emit("cut", Stream.total)
    Stream.live = False
    if above is not None:
        after[number] = dict(names)
    return problem


os.chdir(tempfile.mkdtemp())
`

let python
const post = (kind, ...values) => postMessage([kind, ...values])

// 届いたバイト数を数え、進み具合を知らせる。
function watch(rows) {
  const names = new Set(rows.map(row => row.file_name || row.name))
  const total = rows.reduce((sum, row) => sum + row.size, 0)
  let done = 0, told = 0
  const original = self.fetch
  self.fetch = async (address, options) => {
    const response = await original(address, options)
    if (!response.ok || !names.has(String(address.url || address).split("/").pop())) return response
    // 写しを数える。届いたものをそのまま渡せば、ブラウザが WebAssembly の翻訳を次の回に使い回す。
    response.clone().body.pipeTo(new WritableStream({
      write(bytes) {
        done += bytes.length
        if (done - told > total / 100) post("progress", told = done, total)
      },
      // 途中で切れた WebAssembly を、Pyodide はいつまでも待つ。
    })).catch(() => post("unloaded"))
    return response
  }
  return () => { self.fetch = original }
}

async function boot() {
  // 一覧だけは、いつもサーバーに新しいものを尋ねる。
  const reply = await fetch(runtime + "lock.json", { cache: "no-cache" })
  if (!reply.ok) throw new Error(reply.status)
  const lock = await reply.json()
  const folder = runtime + lock.folder + "/"
  const unwatch = watch([
    ...lock.core.filter(row => !row.name.endsWith(".mjs")), lock.packages.numpy, lock.packages.dlnotes,
  ])
  const { loadPyodide } = await import(folder + "pyodide.mjs")
  python = await loadPyodide({
    indexURL: folder, packageBaseUrl: folder, lockFileContents: lock, packages: ["dlnotes"],
  })
  unwatch()
  // 届かなかった wheel を、Pyodide は記録に残すだけである。
  if (!python.loadedPackages.dlnotes) throw new Error("dlnotes")
  python.globals.set("emit", post)
  python.setStdin({ stdin: () => null })
  post("starting")
  python.runPython(PYTHON)
  python.runPython("import numpy")
}

async function load(code) {
  if (!/\b(matplotlib|pylab|mpl_toolkits|dlnotes\b.*\bfigures\b)/s.test(code)) return
  if (python.loadedPackages["matplotlib-fontja"]) return
  post("drawing")
  await python.loadPackage("matplotlib-fontja", { messageCallback() {}, errorCallback() {} })
  if (!python.loadedPackages["matplotlib-fontja"]) throw new Error("matplotlib")
  python.runPython("prepare_matplotlib()")
}

let ready
onmessage = async ({ data: [code, number, above] }) => {
  try {
    await (ready ||= boot())
    await load(code)
  } catch {
    post("unloaded")
    return
  }
  post("running")
  const start = performance.now()
  let problem
  try {
    const run = python.globals.get("run")
    problem = run(code, number, above)
  } catch {
    post("dead")
    return
  }
  const seconds = (performance.now() - start) / 1000
  post("done", seconds, problem ? problem.toJs() : null)
}
