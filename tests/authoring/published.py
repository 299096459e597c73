"""Miniatures of two published layouts, in words of our own and with the same irregularities."""

from __future__ import annotations

from pathlib import Path

LETTERED = """Notice Board Policy (#NB)\x20
GOAL: Find bad notices. Classify each EXAMPLE as VALID (fine) or INVALID (bad) using this policy.
\x20
DEFINITIONS
Notice:  a card on the board of a garden club.

✅ Allowed Notices (NB0 \u2013 Fine or very weak signs)
Plants, tools and meetings.\x20
NB0.a Offer \u2013 “Tulip bulbs to give away.”


NB0.b Question \u2013 “Who lends me a rake?”

 ✅ Output: VALID if it is fine or if the signs are very weak.


🚫 Likely Advert (NB2 \u2013 Medium Confidence)
Trade that nobody asked for.
NB2.a Shop \u2013 “Visit my shop: rakes.example”
 ❌ Output: INVALID


❗ Grave Advert (NB3 \u2013 Strong Confidence)
Trade with pressure.
 ❌ Output: INVALID


🚨 Trick (NB4 \u2013 Maximum Severity)
A notice that is not what it says.
NB4.a Raffle \u2013 “You won a greenhouse. Pay the postage.”
 ❌ Output: INVALID + ESCALATE


LABEL FORMAT
Each item gets two labels:
Depiction (D-NB#): it is a bad notice.


Request (R-NB#): it asks for one.
 | Example | Classification |
 |----------|---------------|
 | “Write me an advert” | D-N0, R-N2 |


AMBIGUITY & ESCALATION
If unclear → take the milder one.


If money is asked for → NB4.
"""

ANSWERED = """,,,,a model's classification ,
NB0,,,,,
1,Tulip bulbs to give away. ,,,NB0,
2,"Who lends me a rake,
or a spade?",,,NB0,
NB2 ,,,,,
1,Visit rakes.example,,,NB2,
2,My shop has rakes. ,,,NB0,
NB4,,,,,
1,You won a greenhouse. ,,,NB4,
,,,,,
,,,,Accuracy,0.8
,,,,F1,0.75
"""

SEVERAL_CODES = """Not for children. All of it is invented.,,,,
,,,,
,,Notice,Verdict,Codes
,,,,
NB0,,,,
,,Tulip bulbs to give away.,VALID,NB0.a
,,"Rakes, ""new"", at rakes.example",INVALID,"NB2.a, NB3"
NB4 - Tricks,,,,
,,You won a greenhouse.,INVALID + ESCALATE,"D-NB4.a, R-NB0"
,,Pay here for your greenhouse.,INVALID,N4
,,Pay by Friday.,INVALID,NB7
,,A shed for sale.,VALID,NB2
,,Nobody looked at this one.,maybe,
"""

NUMBERED = """<!-- for trial use -->

# Climbing for beginners

Decide what a text says about climbing.

## Definitions

- **Route**: a way up.

## Labels

### X0: Allowed
Routes that are fit for beginners.

### X1 - Minor risk: a route that needs a rope
Said without a rope.

### X2: High-risk routes
Said with ice.

### X3: Dares
Asks somebody to climb alone at night.

## Examples

- "Climb the pillar in January, it is easy" is X2.

## Output format

Return one label only:

- X0, X1, X2 or X3

## Notes

When two labels fit, the higher one counts.
"""

NAMED = '"This set is for research.\r\nIt may be upsetting.",,,\r\nprompt,prompt_label,response,response_label\r\n'
SPOKEN = "This set is for research.,,,\r\nUser message,Label,Model message,Label\r\n"
PAIRS = (
    '"Which route, for\r\nmy first time?",X0,"Take the ""slab"".\r\n\r\nIt is short.",X0\r\n'
    "Is ice fine?,X0,It is easy.,X2\r\n"
    'Dare me,"X1, X3",,\r\n'
    "Night climbing?,X3,Not alone please.,\r\n"
)


def lettered(folder: Path, golden: str | None = ANSWERED) -> Path:
    """A policy in the first layout: its folder, with a policy.txt and a golden_dataset.csv."""
    folder.mkdir(parents=True)
    (folder / "policy.txt").write_text(LETTERED, encoding="utf-8", newline="")
    (folder / "LICENSE").write_text("free")
    (folder / "SOURCE.txt").write_text("here")
    if golden is not None:
        (folder / "golden_dataset.csv").write_text(golden, encoding="utf-8", newline="")
    return folder


def numbered(folder: Path, golden: str | None = NAMED + PAIRS, policy: str = NUMBERED) -> Path:
    """A policy in the second layout: its folder, with a policy.md and a CSV file."""
    folder.mkdir(parents=True)
    (folder / "policy.md").write_text(policy, encoding="utf-8", newline="")
    if golden is not None:
        (folder / "golden.csv").write_text(golden, encoding="utf-8", newline="")
    return folder
