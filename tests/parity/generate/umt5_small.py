"""Makes tests/parity/data/umt5_small: a UMT5 encoder with random weights, a sentencepiece model, and
what transformers and diffusers compute with them.

    python umt5_small.py ../data/umt5_small

Needs torch, transformers 5.23, diffusers 0.42.1, sentencepiece, ftfy.
"""
import copy
import json
import sys
from pathlib import Path

import sentencepiece
import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from safetensors.torch import save_file
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

LENGTH = 160
CORPUS = [
    "a red fox runs across a frozen lake, cinematic lighting",
    "two old sailors drift above the harbour in heavy rain",
    "a blue ball bounces behind the green cube while the camera pans left",
    "slow motion of a glass whale, close-up, soft shadows, 4k",
    "色调艳丽，过曝，静态，细节模糊不清，字幕，低质量，变形，多余的手指",
    "the quick brown fox jumps over the lazy dog; it's \"quoted\" & <tagged>!",
    "déjà vu in a café: 1234567890 (numbers) are here?",
]
PROMPTS = [
    "a red fox runs across a frozen lake",
    "",
    "  a glass whale &amp; two old sailors &lt;close-up&gt;\n\n drift above   the harbour\t ",
    "“curly quotes” — it’s ＷＩＤＥ ﬁne …",
    "色调艳丽，过曝，静态 🦊🦊 Ω fox",
    "two blue foxes and a whale in the rain, " * 12,
    "the lazy dog " * 200,
]


def train_tokenizer(folder):
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(CORPUS * 4))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=220, model_type="unigram",
        character_coverage=1.0, pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>",
        hard_vocab_limit=False, minloglevel=2)
    corpus.unlink()
    (folder / "spiece.vocab").unlink()


def tokenizer_of(folder):
    tokenizer = T5Tokenizer.from_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    (folder / "tokenizer.json").unlink()  # the same as spiece.model
    return tokenizer


def encoder_of(vocab_size):
    torch.manual_seed(7)
    model = UMT5EncoderModel(UMT5Config(
        vocab_size=vocab_size, d_model=24, d_kv=8, d_ff=40, num_layers=3, num_heads=2, dropout_rate=0.0,
        feed_forward_proj="gated-gelu", num_decoder_layers=1))
    for name, weight in model.named_parameters():
        spread = 0.3 if "norm" in name else 0.4
        weight.data = torch.randn_like(weight) * spread + (1.0 if "norm" in name else 0.0)
    return model.eval()


def low_precision(model, tokens, expected):
    for dtype in (torch.bfloat16, torch.float16):
        rounded = copy.deepcopy(model).to(dtype)
        with torch.no_grad():
            embeds = rounded(tokens.input_ids, tokens.attention_mask).last_hidden_state
        expected[str(dtype).split(".")[1]] = embeds.float() * tokens.attention_mask.unsqueeze(-1)


def main():
    folder = Path(sys.argv[1])
    (folder / "tokenizer").mkdir(parents=True, exist_ok=True)
    train_tokenizer(folder / "tokenizer")
    tokenizer = tokenizer_of(folder / "tokenizer")
    model = encoder_of(len(tokenizer))
    model.save_pretrained(str(folder / "text_encoder"))
    expected = {}
    for index, prompt in enumerate(PROMPTS):
        tokens = tokenizer([prompt_clean(prompt)], padding="max_length", max_length=LENGTH,
                           truncation=True, add_special_tokens=True, return_tensors="pt")
        mask = tokens.attention_mask
        with torch.no_grad():
            embeds = model(tokens.input_ids, mask).last_hidden_state
            exact = model.double()(tokens.input_ids, mask).last_hidden_state
            model.float()
        if index == 0:
            low_precision(model, tokens, expected)
        expected[f"ids_{index}"] = tokens.input_ids[0]
        expected[f"embeds_{index}"] = embeds * mask.unsqueeze(-1)
        expected[f"exact_{index}"] = exact * mask.unsqueeze(-1)
    save_file(expected, str(folder / "expected.safetensors"))
    (folder / "prompts.json").write_text(json.dumps({"length": LENGTH, "prompts": PROMPTS}, indent=1))


if __name__ == "__main__":
    main()
