"""Options in, names out: thousands at once, one letter a step for all.

    logits of the next letter -> guarantees of length -> temperature -> top-k, top-p, min-p -> a letter each

Each name gets its log-probability under the plain model, whatever the options did to the dice.
"""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from wavenames.config import Refusal, SamplingConfig, shown
from wavenames.layers import filled_up, log_softmax
from wavenames.models import Model, State, evaluating
from wavenames.names import END, END_MARK, Membership, Status, Vocabulary, told_numbers

LARGEST_DRAW, LARGEST_MEMORY, LARGEST_WORK = 20_000, 50_000_000, 10_000_000_000
"""Names drawn side by side, numbers that the model may remember of them in all, and multiplications that their
letters may take, about a second's; more names come in further draws, with a look at the clock between two."""
ONE, ANY = "?", "*"
"""What in a pattern stands for one letter and for any number of them."""
GOING = 0.75
"""Names that have ended stay beside the others until so few go on, as a share: leaving means that all are copied."""
COLDEST = 1e-30
"""What a lower temperature counts as; single precision would round it to 0."""
DICE_WORK = 500
"""Multiplications that take as long as throwing the dice does, for each letter of the alphabet."""


@dataclass(frozen=True)
class Sampled:
    """One name, its log-probability (nats, end mark included) under the plain model, and where it stands."""

    name: str
    log_probability: float
    status: Status


@dataclass(frozen=True)
class Samples:
    """What a call of `sample` came to."""

    names: tuple[Sampled, ...]
    attempts: int
    """Names drawn, those thrown away included."""
    seconds: float
    message: str
    """Empty, or one sentence that says why there are fewer names than wanted."""


@torch.no_grad()
def sample(
    model: Model,
    vocabulary: Vocabulary,
    options: SamplingConfig,
    membership: Membership,
    progress: Callable[[int], object] = lambda _: None,
) -> Samples:
    """Draw `options.n` names. Same model, options and seed: same names. `progress` hears how many are found so far.

    Prefix and lengths hold for every name by construction. Pattern, `unique` and `no_training_names` are met by
    throwing draws away, at most `options.tries` for each name wanted and for `options.seconds`; what was found by
    then is returned with a message.

    Raises:
        Refusal: the prefix or the pattern has a letter, or sex or decade is asked for, that the model doesn't know;
            or no name at all could fit them; or the model's log-probabilities are no finite numbers.
    """
    began = time.perf_counter()
    if options.pattern:
        _refuse_the_impossible(options, vocabulary)
    dice = torch.Generator().manual_seed(options.seed)
    # fnmatch knows sets of letters as well; here [ is a letter like any other.
    fits = re.compile(fnmatch.translate(options.pattern.replace("[", "[[]"))).match if options.pattern else None
    found: list[Sampled] = []
    seen: set[str] = set()
    attempts, cap = 0, options.tries * options.n
    side_by_side = _side_by_side(model, options.longest)
    always_the_same = options.temperature == 0 or options.top_k == 1
    over = f"the {options.tries:,} for each name that are allowed"
    while len(found) < options.n and attempts < cap:
        if attempts and time.perf_counter() - began >= options.seconds:
            over = f"which took the {options.seconds:,} seconds that are allowed"
            break
        missing = options.n - len(found)
        size = min(missing if attempts == len(found) else 2 * missing + 64, cap - attempts, side_by_side)
        with evaluating(model):
            drawn = _draw(model, vocabulary, options, 1 if always_the_same else size, dice)
        for name, log_probability in drawn * (size if always_the_same else 1):
            attempts += 1
            status = membership.status(name)
            if (
                (fits and not fits(name))
                or (options.unique and name in seen)
                or (options.no_training_names and status == "train")
            ):
                if always_the_same:
                    cap, over = attempts, "of which every one gives the same name"
                    break
                continue
            seen.add(name)
            found.append(Sampled(name, log_probability, status))
            if len(found) == options.n:
                break
        progress(len(found))
    message = ""
    if len(found) < options.n:
        message = (
            f"Found {len(found):,} of {options.n:,} names in {attempts:,} draws, {over}; "
            "a wider pattern, a higher temperature or fewer conditions find more."
        )
    return Samples(tuple(found), attempts, time.perf_counter() - began, message)


@torch.no_grad()
def next_letter(model: Model, vocabulary: Vocabulary, prefix: str, told: Mapping[str, str] | None = None) -> Tensor:
    """(V,) log-probability of each letter after `prefix`, '.' (the end) first.

    `told` is what the model is told of the name, such as {"sex": "M"}. Refuses letters and labels it doesn't know.
    """
    with evaluating(model):
        logits, _, _ = _read(model, vocabulary.encode(prefix), told or {})
    return log_softmax(logits)[0]


def _draw(
    model: Model, vocabulary: Vocabulary, options: SamplingConfig, size: int, dice: torch.Generator
) -> list[tuple[str, float]]:
    """`size` names with their log-probabilities.

    Letter t of name i is decided by the random number luck[i, t] alone, so the same seed gives each place its own
    fate: as a model learns, the name in a place changes only as far as the model does.
    """
    prefix, device = vocabulary.encode(options.prefix), model.device
    width = filled_up(size)  # a few names more, if that makes quicker products
    luck = torch.rand(width, options.longest + 1, generator=dice)
    first, state, so_far = _read(model, prefix, {"sex": options.sex, "decade": options.decade})
    logits, state = first.expand(width, -1), tuple(part.expand(width, *part.shape[1:]) for part in state)
    log_probability = torch.full((width,), so_far)
    written = torch.full((options.longest + 1, width), END)
    rows, going = torch.arange(width), torch.ones(width, dtype=torch.bool)
    for length in range(len(prefix), options.longest + 1):
        logits = logits.cpu()  # the dice are thrown there
        logits = logits - logits.amax(1, keepdim=True)  # the likeliest letter becomes 0, so nothing overflows
        weights = logits.exp()
        chosen = _choose(logits, weights, luck[rows, length], length, options)
        said = logits.gather(1, chosen.unsqueeze(1)).squeeze(1) - weights.sum(1).log()
        log_probability.index_add_(0, rows, said.where(going, 0))
        written[length].index_copy_(0, rows, chosen)
        going &= chosen != END
        left = int(going.sum())
        if left == 0:
            break
        if left <= GOING * len(rows):
            keep = going.int().argsort(descending=True, stable=True)[: filled_up(left)]
            rows, going, chosen = rows[keep], going[keep], chosen[keep]
            state = tuple(part.index_select(0, keep.to(device)) for part in state)
        logits, state = model.step(chosen.to(device), state)
    if not bool(log_probability.isfinite().all()):
        raise Refusal("The model can't write names: its log-probabilities of letters are not finite numbers.")
    spelt = vocabulary.spell(written.t()[:size])
    names = [options.prefix + row[len(prefix) : row.index(END_MARK, len(prefix))] for row in spelt]
    return list(zip(names, log_probability[:size].tolist(), strict=True))


def _refuse_the_impossible(options: SamplingConfig, vocabulary: Vocabulary) -> None:
    """Say at once that no name has the shape that is asked for, before thousands are drawn in vain."""
    pattern, said = options.pattern, f"Pattern is '{shown(options.pattern)}'"
    vocabulary.encode(pattern.replace(ONE, "").replace(ANY, ""))
    letters = len(pattern.replace(ANY, ""))
    counted = f"{letters} letter{'s' * (letters != 1)}"
    if letters > options.longest:
        raise Refusal(f"{said}, at least {counted}; allowed is at most longest, which is {options.longest}.")
    if ANY not in pattern and letters < options.shortest:
        raise Refusal(f"{said}, {counted}; allowed is at least shortest, which is {options.shortest}.")
    if not _has_a_name(pattern, options.prefix, options.shortest, options.longest):
        raise Refusal(
            f"{said}, and no name of {options.shortest} to {options.longest} letters that begins with "
            f"'{shown(options.prefix)}' has this shape; change one of them."
        )


def _has_a_name(pattern: str, prefix: str, shortest: int, longest: int) -> bool:
    """Whether some letters after `prefix` make a name of the shape `pattern` and of an allowed length.

    Letter by letter, the places of the pattern that one can have come to are followed all at once.
    """

    def past_any(places: set[int]) -> set[int]:
        """With the places that are reached where ANY stands for no letter at all."""
        for place in range(len(pattern)):
            if place in places and pattern[place] == ANY:
                places.add(place + 1)
        return places

    places = past_any({0})
    for length in range(longest + 1):
        if length >= max(len(prefix), shortest) and len(pattern) in places:
            return True
        letter = prefix[length : length + 1]  # none behind the prefix, where each may come
        open_ones = {place for place in places if place < len(pattern)}
        fitting = {place for place in open_ones if not letter or pattern[place] in (ONE, ANY, letter)}
        places = past_any({place + (pattern[place] != ANY) for place in fitting})
    return False


def _side_by_side(model: Model, longest: int) -> int:
    """How many names of up to `longest` letters can be drawn at once without filling the memory or the second."""
    weights = sum(weight.numel() for weight in model.parameters())  # counts are looked up, not multiplied
    work = longest * (weights + DICE_WORK * model.vocab_size)
    return max(1, min(LARGEST_DRAW, LARGEST_MEMORY // max(1, model.memory), LARGEST_WORK // work))


def _read(model: Model, letters: list[int], told: Mapping[str, str]) -> tuple[Tensor, State, float]:
    """Logits (1, V) and state after '.' and `letters`, and the log-probability of those letters."""
    labels = torch.tensor([told_numbers(model.conditions, told)], dtype=torch.long, device=model.device)
    state, total = model.start(1, labels), 0.0
    logits, state = model.step(torch.tensor([END], device=model.device), state)
    for letter in letters:
        total += float(log_softmax(logits)[0, letter])
        logits, state = model.step(torch.tensor([letter], device=model.device), state)
    return logits, state, total


def _choose(logits: Tensor, weights: Tensor, luck: Tensor, length: int, options: SamplingConfig) -> Tensor:
    """One letter each, (B,), after `length` letters.

    logits (B, V), the likeliest 0 in each row, and their exponentials `weights`; luck (B,) in [0, 1).
    """
    if length >= options.longest:
        return torch.full_like(luck, END, dtype=torch.long)
    loaded = logits
    if length < options.shortest:
        loaded = loaded.index_fill(1, torch.tensor([END]), -torch.inf)
        loaded = loaded - loaded.amax(1, keepdim=True)
    if options.temperature == 0:
        return loaded.argmax(1)
    if options.temperature != 1:
        loaded = loaded / max(options.temperature, COLDEST)
    if options.top_k:
        loaded = keep_top_k(loaded, options.top_k)
    if options.top_p < 1:
        loaded = keep_top_p(loaded, options.top_p)
    if options.min_p > 0:
        loaded = keep_min_p(loaded, options.min_p)
    if loaded is not logits:
        weights = loaded.exp()
    # A ladder whose steps are as high as their letters are likely: the letter whose step reaches above the luck is
    # taken. A letter that was ruled out has no step, and as luck stays below the top, one always reaches. Where the
    # weights are no numbers, none may: the last letter will do, as the name's log-probability is no number either.
    ladder = weights.cumsum(1)
    top = torch.nextafter(ladder[:, -1], torch.zeros(()))
    reached = torch.searchsorted(ladder, (luck * top).unsqueeze(1), right=True).squeeze(1)
    return reached.clamp_(max=logits.shape[1] - 1)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Rule out all but `k` of the likeliest letters of each row (B, V). Fan et al. 2018, arXiv 1805.04833."""
    chosen = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return torch.full_like(logits, -torch.inf).scatter(1, chosen, logits.gather(1, chosen))


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Rule out all but the fewest likeliest letters that hold at least share `p`. Holtzman et al., 1904.09751."""
    ordered, order = logits.sort(dim=1, descending=True)
    share = log_softmax(ordered).exp()
    beyond = share.cumsum(1) - share >= p
    return logits.masked_fill(torch.zeros_like(beyond).scatter(1, order, beyond), -torch.inf)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Rule out letters less likely than `p` times the likeliest. Nguyen et al. 2024, arXiv 2407.01082."""
    probability = log_softmax(logits).exp()
    return logits.masked_fill(probability < p * probability.amax(1, keepdim=True), -torch.inf)
