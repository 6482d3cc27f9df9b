// Pyodide の中の Python で、zip の中の .py を .pyc に替える。読む人のブラウザで翻訳すると、始まりに何秒もかかる。
// 使い方: node precompile.mjs FOLDER OUT ファイル名…
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"

const COMPILE = String.raw`
import importlib._bootstrap_external as external, re, zipfile

# 動かすのに要らないもの: 型の宣言、C の部品、見本のデータ。
UNUSED = re.compile(r"\.(pyi|h|a|pxd|c)$|/sample_data/")

with zipfile.ZipFile("/tmp/in") as old, zipfile.ZipFile("/tmp/out", "w") as new:
    for name in filter(lambda name: not UNUSED.search(name), old.namelist()):
        data = old.read(name)
        if name.endswith(".py"):
            code = compile(data, name, "exec", dont_inherit=True)
            # 日付を入れず、もとのファイルとも比べないので、同じ原稿からはいつも同じバイト列になる。
            name, data = name + "c", external._code_to_hash_pyc(code, bytes(8), False)
        new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
`

const [folder, out, ...names] = process.argv.slice(2)
const indexURL = resolve(folder)
const { info } = JSON.parse(readFileSync(new URL("runtime.json", import.meta.url)))
const { loadPyodide } = await import(pathToFileURL(join(indexURL, "pyodide.mjs")))
const python = await loadPyodide({
  indexURL, lockFileContents: { info, packages: {} }, env: { PYTHONHASHSEED: "0" },
})
for (const name of names) {
  python.FS.writeFile("/tmp/in", readFileSync(join(folder, name)))
  python.runPython(COMPILE)
  writeFileSync(join(out, name), python.FS.readFile("/tmp/out"))
  console.log(name)
}
