"""Names as Presidio's language model finds them. Behind the extra `presidio`; no rules of our own here.

What a model finds depends on all that stands around, so a text that is redacted twice may lose more the second time.
"""

import re
from collections.abc import Iterator

from finetune.dataset.outcomes import RedactorMissing
from finetune.dataset.redact.placeholders import Finder, Found, Kind, Words
from finetune.dataset.redact.terms import GENERIC

_KINDS: dict[str, Kind] = {"PERSON": "PERSON", "ORGANIZATION": "COMPANY"}
_MODEL = "en_core_web_lg"
_CONFIGURATION = {
    "nlp_engine_name": "spacy",
    "models": [{"lang_code": "en", "model_name": _MODEL}],
    "ner_model_configuration": {
        "model_to_presidio_entity_mapping": {"PERSON": "PERSON", "ORG": "ORGANIZATION"},
        "labels_to_ignore": [],
    },
}
_MIN_SCORE = 0.5
_WORDS = re.compile(r"\w+")


def open_name_finder() -> Finder:
    """Raises RedactorMissing. Presidio would fetch a model that is not there, so that is asked for first."""
    try:
        import spacy.util
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError as error:
        raise RedactorMissing(
            f"Redaction by Presidio needs the extra: pip install 'housestyle[presidio]' ({error}). "
            "Or set redact to rules."
        ) from None
    if not spacy.util.is_package(_MODEL):
        raise RedactorMissing(
            f"Redaction by Presidio needs spaCy's model: python -m spacy download {_MODEL}. Or set redact to rules."
        )
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=_CONFIGURATION).create_engine())

    def find(text: str, _: Words) -> Iterator[Found]:
        end = 0
        results = engine.analyze(text, language="en", entities=list(_KINDS), score_threshold=_MIN_SCORE)
        for result in sorted(results, key=lambda result: (result.start, -result.end)):
            name = text[result.start : result.end]
            if result.start >= end and _names_somebody(name):
                end = result.end
                yield Found(result.start, end, _KINDS[result.entity_type], name)

    return find


def _names_somebody(name: str) -> bool:
    """A model of newspapers takes "the Lender" for a firm, and a placeholder for anything."""
    return not set(name) & set("[]\n") and any(word.lower() not in GENERIC for word in _WORDS.findall(name))
