"""The grammar lets through what the parser accepts, and keeps out what it would reject."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import xgrammar
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from actors.grammar import contract_grammar, harmony_tag
from actors.prompt_harmony import CALL, RETURN
from tests.judge_cases import policy

UNDER = policy()
GOOD = (
    '{"violation":0,"rule_ids":[],"confidence":"low","rationale":""}',
    '{"violation":1,"rule_ids":["S3.a"],"confidence":"medium","rationale":"für 5 € «sofort»"}',
    '{"violation":1,"rule_ids":["S2","S1","S3.a"],"confidence":"high","rationale":"' + "x" * 40 + '"}',
)
BAD = (
    '{"violation":0,"rule_ids":["S1"],"confidence":"low","rationale":""}',
    '{"violation":1,"rule_ids":[],"confidence":"low","rationale":""}',
    '{"violation":1,"rule_ids":["S9"],"confidence":"low","rationale":""}',
    '{"violation":1,"rule_ids":["S3xa"],"confidence":"low","rationale":""}',
    '{"violation":2,"rule_ids":["S1"],"confidence":"low","rationale":""}',
    '{"violation": 1,"rule_ids":["S1"],"confidence":"low","rationale":""}',
    '{"violation":1,"rule_ids":["S1"],"confidence":"sure","rationale":""}',
    '{"violation":1,"rule_ids":["S1"],"confidence":"low","rationale":"' + "x" * 41 + '"}',
    '{"violation":1,"rule_ids":["S1"],"confidence":"low","rationale":"a\nb"}',
    '{"violation":1,"rule_ids":["S1"],"confidence":"low","rationale":"\\ud800"}',
    '{"violation":1,"rule_ids":["S1"],"confidence":"low","rationale":"\\"a\\""}',  # the parser could, at a price
    '{"confidence":"low","violation":1,"rule_ids":["S1"],"rationale":""}',
)


def accepts(compiled: xgrammar.CompiledGrammar, ids: list[int], stops: list[int]) -> bool:
    matcher = xgrammar.GrammarMatcher(compiled, override_stop_tokens=stops)
    return all(matcher.accept_token(token) for token in ids) and matcher.is_terminated()


def compiler(tokenizer: PreTrainedTokenizerBase) -> xgrammar.GrammarCompiler:
    return xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(tokenizer), max_threads=1)


def test_contract_grammar(small_model_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_model_folder)
    compiled = compiler(tokenizer).compile_grammar(contract_grammar(UNDER, 40))
    stop = tokenizer.eos_token_id
    for text in GOOD:
        assert accepts(compiled, [*tokenizer.encode(text), stop], [stop]), text
    for text in BAD:
        assert not accepts(compiled, [*tokenizer.encode(text), stop], [stop]), text


@cache
def harmony(folder: Path) -> tuple[PreTrainedTokenizerBase, xgrammar.CompiledGrammar]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return tokenizer, compiler(tokenizer).compile_structural_tag(harmony_tag(UNDER, 40))


@pytest.mark.parametrize(
    "reasoning", ["", "<|channel|>analysis<|message|>Is it? " + BAD[0] + "<|end|><|start|>assistant"]
)
def test_harmony_tag_leaves_the_analysis_free_and_holds_the_final_message(
    tiny_gpt_oss_folder: Path, reasoning: str
) -> None:
    tokenizer, compiled = harmony(tiny_gpt_oss_folder)

    def accepted(text: str) -> bool:
        return accepts(compiled, tokenizer.encode(reasoning + text, add_special_tokens=False), [RETURN, CALL])

    for header in ("final", "final json", "final <|constrain|>json"):
        assert all(accepted(f"<|channel|>{header}<|message|>{text}<|return|>") for text in GOOD)
        assert not any(accepted(f"<|channel|>{header}<|message|>{text}<|return|>") for text in BAD)
    assert not accepted(f"<|channel|>commentary<|message|>{GOOD[0]}<|return|>")
    assert not accepted(f"<|channel|>final<|message|>{GOOD[0]}<|end|>")


def test_a_policy_with_one_rule_and_one_with_many_compile(small_model_folder: Path) -> None:
    build = compiler(AutoTokenizer.from_pretrained(small_model_folder))
    one = UNDER.model_copy(update={"rules": UNDER.rules[:1]})
    many = UNDER.model_copy(
        update={"rules": tuple(UNDER.rules[0].model_copy(update={"id": f"R{k}"}) for k in range(200))}
    )
    for chosen in (one, many):
        build.compile_grammar(contract_grammar(chosen, 4000))


@pytest.mark.parametrize("violation", [False, True])
def test_a_held_answer_can_say_nothing_else(small_model_folder: Path, violation: bool) -> None:
    tokenizer = AutoTokenizer.from_pretrained(small_model_folder)
    compiled = compiler(tokenizer).compile_grammar(contract_grammar(UNDER, 40, violation))
    stop = tokenizer.eos_token_id
    for text in GOOD:
        says_so = text.startswith(f'{{"violation":{int(violation)}')
        assert accepts(compiled, [*tokenizer.encode(text), stop], [stop]) is says_so, text
    for text in BAD:
        assert not accepts(compiled, [*tokenizer.encode(text), stop], [stop]), text
