# 人が打つ命令も CI も、ここにあるものだけ。

PYTHON   ?= python3
VENV     ?= .venv
PORT     ?= 8000
MINUTES  ?= 60
BROWSER  ?= 1
SITE     ?= site
CHROMIUM ?=
export VENV CHROMIUM
# MkDocs 2 系は使わないので、その知らせを消す。
export NO_MKDOCS_2_WARNING = 1

bootstrap = $(PYTHON) requirements/bootstrap.py
python = $(VENV)/bin/python
in_parallel = -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder
pytest = $(python) $(in_parallel)
with_chromium = CHROMIUM=$$($(bootstrap) chromium) && export CHROMIUM && exec
# 同じ置き場所に書く make を一つにする。
locked = $(bootstrap) lock
uv = .cache/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header
# サイトの地図に書く日付。最後のコミットの日付とし、同じ原稿からは同じサイトができるようにする。
export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2> /dev/null || date +%s))

.PHONY: help serve site offline book test test-lowest check hosting bench oracle mutants upgrade clean
.PHONY: found-python site-venv test-venv runtime node

help:  ## この一覧を出します
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

serve: found-python  ## サイトを http://127.0.0.1:8000/ で見ます（PORT=番号 で変えられます）
	@$(bootstrap) port $(PORT)
	@$(bootstrap) venv requirements/site.txt
	$(python) -m mkdocs serve -a 127.0.0.1:$(PORT)

# できあがってから入れ替えるので、失敗しても止めても前の site/ が残る。
site: site-venv  ## サイトを site/ に作ります
	@$(locked) sh -ec ' \
	rm -rf .cache/site-new; mkdir -p .cache; \
	if [ ! -d site ] && [ -d .cache/site-old ]; then mv .cache/site-old site; fi; \
	$(python) -m mkdocs build --site-dir .cache/site-new; \
	rm -rf .cache/site-old; if [ -d site ]; then mv site .cache/site-old; fi; \
	mv .cache/site-new site; rm -rf .cache/site-old'

offline: site-venv  ## サーバーなしで、検索もできるサイトを dlnotes-offline.zip に作ります
	@DLNOTES_OFFLINE=true $(locked) sh -ec ' \
	$(python) -m mkdocs build --site-dir .cache/offline; \
	$(python) -m dlnotes.site.offline .cache/offline dlnotes-offline.zip'

# SITE= で、組み立ててある別のサイト（テストしたものなど）に足す。
book: $(if $(filter site,$(SITE)),site,site-venv)  ## サイトと、全ページを一冊にした PDF と EPUB を site/ に作ります
	@$(with_chromium) $(locked) $(python) -m dlnotes.site.book $(SITE)

# 検査と道具の用意は、どれも環境だけを使い、一つずつではコアが余る。
test: test-venv  ## すべてのテストをします（BROWSER=0 でブラウザのテストを省きます）
	@$(MAKE) -f $(firstword $(MAKEFILE_LIST)) --no-print-directory --jobs check node $(if $(filter 0,$(BROWSER)),,runtime)
ifeq ($(BROWSER),0)
	@$(pytest) --ignore=tests/browser; status=$$?; \
	echo 'ブラウザのテストは BROWSER=0 により省きました'; exit $$status
else
	@$(with_chromium) $(pytest)
endif

test-lowest: found-python  ## ライブラリーの範囲の、いちばん古い版でテストします
	@VENV=.cache/lowest $(bootstrap) venv requirements/lowest.txt
	@$(with_chromium) .cache/lowest/bin/python $(in_parallel)

check: test-venv  ## 書式、静的検査、型、import の向きを調べます（文章と HTML は make test が調べます）
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	$(VENV)/bin/lint-imports

hosting: test-venv runtime  ## nginx の設定例、Firefox、ビルドの中断、壊れたキャッシュなどを試します（十分ほど）
	@$(bootstrap) npm lighthouse
	@$(with_chromium) $(python) -m pytest tests/hosting

bench: test-venv runtime  ## 速さを測ります
	@$(bootstrap) npm lighthouse
	@for script in tests/bench/*.py; do echo "$$script"; $(python) "$$script" || exit 1; done

# 大きなライブラリなので、ふだんのテストの環境には入れない。
oracle: found-python  ## PyTorch と scikit-learn の値、PyTorch の速さと比べます
	$(PYTHON) -m venv .cache/oracle
	.cache/oracle/bin/python -m pip install --quiet --editable '.[oracle]'
	.cache/oracle/bin/python -m pytest -c /dev/null --rootdir=. --confcutdir=tests/oracle \
	  -p no:cacheprovider tests/oracle
	.cache/oracle/bin/python tests/bench/training_speed.py

# 分を過ぎるか止めるかすると、次はその続きから始める。
mutants: found-python  ## コードを一か所ずつ壊し、テストが気づくかを調べます（MINUTES= と MODULES= で絞れます）
	$(PYTHON) -m venv .cache/mutants/venv
	.cache/mutants/venv/bin/python -m pip install --quiet --require-hashes -r requirements/mutants.txt
	nice .cache/mutants/venv/bin/python tests/mutation/run.py $(MINUTES) $(MODULES)

# UV_PRERELEASE=allow なら、正式に出る前の版も入れる。
upgrade: found-python  ## 固定版を範囲の中でいちばん新しくし、すべてのテストをします
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	echo uv | $(uv) --upgrade - -o requirements/uv.txt
	$(uv) --upgrade pyproject.toml --extra site -o requirements/site.txt
	$(uv) --upgrade pyproject.toml --extra site --extra test -c requirements/site.txt -o requirements/test.txt
	$(uv) --upgrade pyproject.toml --extra site --extra test --resolution lowest-direct -o requirements/lowest.txt
	$(uv) --upgrade pyproject.toml --extra mutants -c requirements/test.txt -o requirements/mutants.txt
	$(MAKE) test

clean:  ## 作ったものをすべて消します（環境も消えます）
	@if [ -f '$(VENV)/pyvenv.cfg' ]; then rm -rf '$(VENV)' '$(VENV).old'; fi
	rm -rf site dist dlnotes-offline.zip .cache .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name '.venv*' -prune -o -name __pycache__ -prune -exec rm -rf {} +

# 実行環境がなければ、ページの中で動くことを確かめられない。
runtime: test-venv
	@$(python) -m dlnotes.site.runtime

# テストの中で入れると、進み具合が見えない。
node: test-venv
	@$(bootstrap) npm node

site-venv: found-python
	@$(bootstrap) venv requirements/site.txt

test-venv: found-python
	@$(bootstrap) venv requirements/test.txt

found-python:
	@command -v $(PYTHON) > /dev/null || { \
	echo 'エラー: $(PYTHON) がありません。Python 3.11 以上を入れ、PYTHON= で指定してください。' >&2; exit 1; }
