"""Writes html_entities.inc: the named character references of the HTML standard.

    python3 generate_html_entities.py > html_entities.inc

One C++ string: "name=code[,code]" separated by spaces, codes hexadecimal.
"""
from html.entities import html5

WIDTH = 96


def lines():
    line = ""
    for name in sorted(html5):
        word = name + "=" + ",".join(f"{ord(c):X}" for c in html5[name]) + " "
        if len(line) + len(word) > WIDTH:
            yield line
            line = ""
        line += word
    yield line


print("// Written by generate_html_entities.py.")
for text in lines():
    print(f'"{text}"')
