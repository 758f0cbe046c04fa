"""Makes tests/parity/data/cleaned_prompts.json: pairs of a prompt and what diffusers' prompt_clean
(ftfy 6.3.1 installed) makes of it.

    python cleaned_prompts.py > ../data/cleaned_prompts.json
"""
import json

from diffusers.pipelines.wan.pipeline_wan import prompt_clean

PROMPTS = [
    '',
    '  a  b\t\n c ',
    'a &amp; b &lt;close&gt; &amp;amp;lt; x',
    '<b>&amp;lt;</b> &copy &notit; &#233;&#x1F98A; &#0; &#128; &#xD800; &#11;',
    '\u201ccurly\u201d \u2018quotes\u2019 \u2014 \u2026 it\u2019s',
    '\uff21\uff22\uff23\u3000\uff11\uff12\uff01 \ufb01ne \ufb04 \u0133 \u0149',
    'x\xa0y\u3000z\u2028w\u200bv\ufeffu',
    '\x1b[31mred\x1b[0m text\x07 bell',
    'a\r\nb\rc\x85d',
    '\u8272\u8c03\u8273\u4e3d\uff0c\u8fc7\u66dd\uff0c\u9759\u6001',
    '\U0001f98a fox & co; R&D &unknown; &#; &#x; &',
    'line one &eacute;\n<tag> &eacute; then\n&amp;gt;',
    'caf\xe9 &NotEqualTilde; &fjlig;',
    'dz \u01c6 \u01f1 \u017ft \ufb05',
    '&ampamp; &ltgt',
    'a\x91b\x92',
    '&lt;b&gt; &amp;amp;amp;amp;amp;amp;lt; &#38;#x26;AMP;amp;eacute;',
    '&amp;#60; &am&#112;;#38;amp;amp;amp;gt;',
    '< &amp;amp;amp;amp;',
]

print(json.dumps({"pairs": [[prompt, prompt_clean(prompt)] for prompt in PROMPTS]}, indent=1))
