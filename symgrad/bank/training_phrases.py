"""The sentences of answer keys about training, in English and in Persian, as `phrases` has those of the others.

>>> say_of_training("steps made", "fa", count="۶۰")
'همهٔ ۶۰ گام برداشته شد'
"""

from __future__ import annotations

from collections.abc import Mapping

from symgrad.bank.content import Language
from symgrad.bank.phrases import Sentence, say

TRAINING: Mapping[str, Sentence] = {
    # perceptrons
    "perceptron": (
        "The perceptron fires where the weighted sum $w^\\top x + b$ is above $0$:",
        "پرسپترون جایی ۱ می‌دهد که جمع وزن‌دار $w^\\top x + b$ بزرگ‌تر از $0$ باشد:",
    ),
    "perceptron table": (
        "All {rows} rows of the truth table; the sum stays at least ${margin}$ away from the jump:",
        "همهٔ {rows} سطر جدول درستی؛ جمع وزن‌دار دست‌کم به اندازهٔ ${margin}$ از محل پرش فاصله دارد:",
    ),
    "perceptron checked": (
        "Every row was computed twice, by the formula and by running the graph of gates.",
        "هر سطر دو بار محاسبه شد: با فرمول و با اجرای گراف گیت‌ها.",
    ),
    "input": ("Input {number}", "ورودی {number}"),
    "sum": ("$w^\\top x + b$", "$w^\\top x + b$"),
    "output": ("Output", "خروجی"),
    "table printed": ("The table that is printed:", "جدولی که در سند آمده است:"),
    # update rules
    "rule": (
        "One step, with gradient `dx`, learning rate `learning_rate`{state}:",
        "یک گام، با گرادیان `dx`، نرخ یادگیری `learning_rate`{state}:",
    ),
    "rule state": (" and {names}, zero at first", " و {names} که در آغاز صفرند"),
    "rule state one": (" and {names}, zero at first", " و {names} که در آغاز صفر است"),
    "rule ahead": (
        "The gradient `dx` is taken not at `x` but ahead of it, at `{ahead}`.",
        "گرادیان `dx` نه در `x` بلکه جلوتر، در `{ahead}`، گرفته می‌شود.",
    ),
    "rule settings": ("The usual settings: {settings}.", "تنظیم‌های معمول: {settings}."),
    "rule steps": (
        "The first steps on $J = \\frac{{1}}{{2}} x^2$ from $x = 1$ with learning rate $0.1$; `dx` is the derived "
        "gradient:",
        "نخستین گام‌ها روی $J = \\frac{{1}}{{2}} x^2$ از $x = 1$ با نرخ یادگیری $0.1$؛ `dx` گرادیان به‌دست‌آمده است:",
    ),
    "rule same": (
        "The printed lines compute the same as the rule, for all inputs: both have one normal form.",
        "سطرهای چاپ‌شده برای همهٔ ورودی‌ها همان کار قاعده را می‌کنند: هر دو یک صورت نرمال دارند.",
    ),
    # identities
    "identity given": ("Given", "مفروضات"),
    "identity claim": ("Claim", "ادعا"),
    "identity proved": (
        "Proved for all values and all dimensions: both sides have one normal form,",
        "به ازای همهٔ مقدارها و همهٔ ابعاد اثبات شد: هر دو سو یک صورت نرمال دارند:",
    ),
    "identity field": (
        "Both sides agree exactly in a prime field, at several sizes: equal, up to odds of $2^{{-29}}$.",
        "هر دو سو در یک میدان متناهی و در چند اندازه دقیقاً برابرند: برابری با احتمال خطای $2^{{-29}}$.",
    ),
    "identity sampled": (
        "Both sides agree at {count} samples; that is no proof.",
        "هر دو سو در {count} نمونه برابرند؛ این اثبات نیست.",
    ),
    "identity refuted": (
        "The two sides differ: at one sample the left side is ${left}$ and the right side ${right}$.",
        "دو سو متفاوت‌اند: در یک نمونه، سوی چپ ${left}$ و سوی راست ${right}$ است.",
    ),
    # runs
    "gradients": ("The derived gradient:", "گرادیان به‌دست‌آمده با مشتق‌گیری:"),
    "curvature": (
        "The Hessian at the start has the eigenvalues ${eigenvalues}$. On a quadratic cost a step multiplies the error "
        "along each of its eigenvectors by $1 - \\gamma \\lambda$: gradient descent converges exactly for learning "
        "rates $\\gamma$ below $2 / \\lambda_{{\\max}} = {limit}$, and fastest near ${best}$.",
        "مقدارهای ویژهٔ ماتریس هسی در نقطهٔ آغاز ${eigenvalues}$ هستند. روی یک هزینهٔ درجه‌دوم، هر گام خطا را در راستای هر "
        "بردار ویژه در $1 - \\gamma \\lambda$ ضرب می‌کند: گرادیان کاهشی دقیقاً برای نرخ‌های یادگیری $\\gamma$ کوچک‌تر از "
        "$2 / \\lambda_{{\\max}} = {limit}$ همگرا می‌شود و نزدیک ${best}$ از همه سریع‌تر است.",
    ),
    "run": ("Run", "اجرا"),
    "method": ("Rule", "قاعده"),
    "rate": ("Learning rate", "نرخ یادگیری"),
    "examples a step": ("Examples a step", "نمونه در هر گام"),
    "all": ("all", "همه"),
    "first cost": ("Cost at first", "هزینه در آغاز"),
    "last cost": ("Cost at the end", "هزینه در پایان"),
    "rises": ("Steps that raise the cost", "گام‌های افزایندهٔ هزینه"),
    "what happened": ("What happened", "نتیجه"),
    "steps made": ("all {count} steps were made", "همهٔ {count} گام برداشته شد"),
    "run left": ("left the finite numbers at step {count}", "در گام {count} از اعداد متناهی بیرون رفت"),
    "runs checked": (
        "Gradients along every run were recomputed by the numeric engine.",
        "گرادیان‌ها در طول هر اجرا با موتور عددی از نو محاسبه شدند.",
    ),
    "no number": ("--", "--"),
    "costs picture": ("The cost over all examples after each step", "هزینه روی همهٔ نمونه‌ها پس از هر گام"),
    "paths picture": (
        "The ways of the runs over the contour lines of the cost",
        "مسیر اجراها روی خط‌های تراز هزینه",
    ),
    "step": ("step", "گام"),
    "cost": ("cost", "هزینه"),
    # schedules
    "schedule": ("Learning rates over time:", "نرخ‌های یادگیری در گذر زمان:"),
    "time": ("$t$", "$t$"),
    "epoch": ("epoch t", "دورهٔ آموزشی t"),
    "schedules picture": ("Decay of the learning rate", "کاهش نرخ یادگیری"),
    "formula printed": ("The document prints for “{label}”:", "در سند برای «{label}» آمده است:"),
    # searches
    "search": (
        "{trials} random trials, evenly over the logarithms of learning rate and ${setting}$; each trial is a run of "
        "{steps} steps. The best of them:",
        "{trials} آزمایش تصادفی، یکنواخت روی لگاریتم نرخ یادگیری و ${setting}$؛ هر آزمایش یک اجرا با {steps} گام است. "
        "بهترین‌ها:",
    ),
    "trial": ("Trial", "آزمایش"),
    "search picture": (
        "Where the search looked, and the cost at the end",
        "جاهایی که جست‌وجو دیده است و هزینه در پایان",
    ),
    "best trial": ("best", "بهترین"),
    "learning rate": ("learning rate", "نرخ یادگیری"),
    # differences
    "difference": (
        "The relative error of the numeric gradient, $\\lVert g_h - g \\rVert / \\max(\\lVert g_h \\rVert, \\lVert g "
        "\\rVert)$, for several steps $h$:",
        "خطای نسبی گرادیان عددی، $\\lVert g_h - g \\rVert / \\max(\\lVert g_h \\rVert, \\lVert g \\rVert)$، به ازای "
        "چند گام $h$:",
    ),
    "forward difference": ("forward difference", "تفاضل پیشرو"),
    "central difference": ("central difference", "تفاضل مرکزی"),
    "truncation": ("truncation ~ h²", "برش ~ h²"),
    "rounding": ("rounding ~ 1/h", "گردکردن ~ h⁻¹"),
    "forward formula": ("$(f(x+h) - f(x)) / h$", "$(f(x+h) - f(x)) / h$"),
    "central formula": ("$(f(x+h) - f(x-h)) / (2h)$", "$(f(x+h) - f(x-h)) / (2h)$"),
    "difference picture": (
        "Error of the numeric gradient against the step $h$",
        "خطای گرادیان عددی در برابر گام $h$",
    ),
    "difference best": (
        "Large steps are wrong by truncation, small ones by rounding: the central difference is best near $h = {h}$, "
        "with an error of ${error}$.",
        "گام‌های بزرگ خطای برش دارند و گام‌های کوچک خطای گردکردن: تفاضل مرکزی نزدیک $h = {h}$ با خطای ${error}$ "
        "بهترین است.",
    ),
    "relative error": ("relative error", "خطای نسبی"),
    "step h": ("step h", "گام h"),
}


def say_of_training(name: str, language: Language, /, **values: object) -> str:
    """A sentence in a language.  Raises UnknownNameError."""
    return say(name, language, TRAINING, **values)
