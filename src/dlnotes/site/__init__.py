"""サイトの部品。Markdown 拡張は MkDocs がなくても動く。"""
