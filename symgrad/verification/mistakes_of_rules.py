"""The mistakes that are made while deriving: one local rule is replaced by another.

Each record says at which sites of the graph it can be made and what the node then hands on.  The rules are
told from what the catalogue's records say (a slope that is a comparison is a mask, a Jacobian of two terms can
lose one), so an operation that a user registers is covered as well.

>>> sorted(m.id for m in RECORDS if m.family == "missing mask")
['max sent to both', 'missing mask', 'value for its mask']
"""

from __future__ import annotations

from symgrad.verification import local_rules, product_rules
from symgrad.verification.mistake import Mistake, Sentence

_MASK_AGAIN = Sentence(
    "Change one input a little where the function is flat: does the output move?",
    "ورودی را جایی که تابع تخت است کمی تغییر دهید: آیا خروجی تغییر می‌کند؟",
)
_CHAIN_AGAIN = Sentence(
    "Name every step of the composition and write one factor for each, outermost first.",
    "برای هر گام ترکیب نامی بگذارید و از بیرونی‌ترین گام، برای هر کدام یک عامل بنویسید.",
)
_PATHS_AGAIN = Sentence(
    "Mark every place where the variable occurs, and differentiate with one of them free at a time; then add.",
    "هر جا که متغیر آمده است علامت بزنید، هر بار نسبت به یکی مشتق بگیرید و سپس جمع کنید.",
)
_SLOPE_AGAIN = Sentence(
    "Write the scalar rule alone on a line and check it at one number, for example at 0.",
    "قاعدهٔ اسکالر را جدا بنویسید و در یک عدد، مثلاً در صفر، بیازمایید.",
)
_INVERSE_AGAIN = Sentence(
    "Differentiate X*inv(X) = I by the product rule and solve for d inv(X).",
    "از X*inv(X) = I با قاعدهٔ ضرب مشتق بگیرید و d inv(X) را به دست آورید.",
)

RECORDS = (
    Mistake(
        "missing mask", Sentence("a mask is missing", "یک نقاب از قلم افتاده است"),
        Sentence(
            "The slope of relu or max is 0 or 1, entry by entry: this mask must multiply the gradient that passes.",
            "شیب relu یا max در هر درایه 0 یا 1 است: گرادیانی که می‌گذرد باید در این نقاب ضرب شود.",
        ),
        _MASK_AGAIN, "rule", swaps=local_rules.without_mask,
    ),
    Mistake(
        "max sent to both", Sentence("max handed its gradient to both arguments",
                                     "max گرادیان را به هر دو ورودی داده است"),
        Sentence(
            "max routes the gradient to the argument that is larger; the other one gets nothing.",
            "max گرادیان را تنها به ورودی بزرگ‌تر می‌رساند؛ به دیگری چیزی نمی‌رسد.",
        ),
        _MASK_AGAIN, "rule", of="missing mask", swaps=local_rules.to_both,
    ),
    Mistake(
        "value for its mask", Sentence("the value stands where its mask belongs", "مقدار به جای نقاب آمده است"),
        Sentence(
            "The value of relu or max was used as its slope; the slope is 0 or 1.",
            "مقدار relu یا max به جای شیب آن آمده است؛ شیب 0 یا 1 است.",
        ),
        _MASK_AGAIN, "rule", of="missing mask", swaps=local_rules.value_for_mask,
    ),
    Mistake(
        "max sent to the loser", Sentence("the mask is turned round", "نقاب وارونه است"),
        Sentence(
            "The gradient was let through where it must stop, and stopped where it must pass.",
            "گرادیان جایی که باید بایستد گذشته و جایی که باید بگذرد ایستاده است.",
        ),
        _MASK_AGAIN, "rule", swaps=local_rules.to_the_loser,
    ),
    Mistake(
        "missing chain factor",
        Sentence("a factor of the chain rule is missing", "یک عامل قاعدهٔ زنجیری از قلم افتاده است"),
        Sentence(
            "The derivative of one step of the composition was left out.",
            "مشتق یکی از گام‌های ترکیب از قلم افتاده است.",
        ),
        _CHAIN_AGAIN, "rule", swaps=local_rules.without_slope,
    ),
    Mistake(
        "slope in part", Sentence("only a part of a slope was used", "تنها بخشی از شیب آمده است"),
        Sentence(
            "The slope of a function was shortened, such as sigma or 1 - sigma alone for sigma*(1 - sigma).",
            "شیب تابعی کوتاه شده است، مانند sigma یا 1 - sigma به تنهایی به جای sigma*(1 - sigma).",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=local_rules.slope_in_part,
    ),
    Mistake(
        "norm not normalised", Sentence("a power's inner factor is missing", "عامل درونی توان از قلم افتاده است"),
        Sentence(
            "A power such as the root in a norm keeps a factor in its slope: x/norm2(x), not x.",
            "شیب توانی مانند ریشهٔ نُرم عاملی دارد: x/norm2(x) و نه x.",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=local_rules.power_taken_as_one,
    ),
    Mistake(
        "inverse on one side", Sentence("the inverse stands on one side only", "وارون تنها در یک سو آمده است"),
        Sentence(
            "d inv(X) = -inv(X)*dX*inv(X): the inverse stands on both sides.",
            "در d inv(X) = -inv(X)*dX*inv(X) وارون در هر دو سو می‌آید.",
        ),
        _INVERSE_AGAIN, "rule", of="missing chain factor", swaps=local_rules.one_side,
    ),
    Mistake(
        "function for its slope", Sentence("a function stands for its slope", "خود تابع به جای شیب آمده است"),
        Sentence("The value of a function was used as its derivative.", "مقدار تابع به جای مشتق آن آمده است."),
        _SLOPE_AGAIN, "rule", swaps=local_rules.function_for_slope,
    ),
    Mistake(
        "slope at the wrong place", Sentence("a slope was taken at the wrong place",
                                             "شیب در جای نادرستی گرفته شده است"),
        Sentence(
            "A function belongs elsewhere or is missing in a slope: f'(u), not f'(f(u)); "
            "1 - tanh(u)^2, not 1 - u^2 or 1 - tanh(u^2).",
            "تابعی در شیب جابه‌جا شده یا از قلم افتاده است: f'(u) و نه f'(f(u))؛ "
            "1 - tanh(u)^2 و نه 1 - u^2 یا 1 - tanh(u^2).",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=local_rules.slope_at_the_value,
    ),
    Mistake(
        "function of the slope", Sentence("f(g') stands for the slope of f(g)", "f(g') به جای شیب f(g) آمده است"),
        Sentence(
            "The inner function was differentiated inside the outer one; its slope is a factor: f'(g)*g'.",
            "از تابع درونی در داخل تابع بیرونی مشتق گرفته شده است؛ شیب آن یک عامل است: f'(g)*g'.",
        ),
        _CHAIN_AGAIN, "rule", of="missing chain factor", swaps=product_rules.of_inner_slope,
    ),
    Mistake(
        "slope of another step", Sentence("the slope of another step", "شیب گامی دیگر"),
        Sentence(
            "The same function is applied at several steps; this slope was taken at another one of them.",
            "یک تابع در چند گام به کار رفته است؛ این شیب در گام دیگری گرفته شده است.",
        ),
        _CHAIN_AGAIN, "rule", of="wrong chain factor", swaps=local_rules.slope_of_another,
    ),
    Mistake(
        "inverse left out", Sentence("an inverse is missing", "یک وارون از قلم افتاده است"),
        Sentence(
            "Something stands as it is where its inverse belongs: the slope of log(u) is 1/u, "
            "the gradient of logdet(X) is inv(X)'.",
            "چیزی به جای وارونش آمده است: شیب log(u) برابر 1/u و گرادیان logdet(X) برابر inv(X)' است.",
        ),
        _SLOPE_AGAIN, "rule", of="missing chain factor", swaps=local_rules.slope_not_inverted,
    ),
    Mistake(
        "power not lowered", Sentence("a power was not lowered", "از توان یکی کم نشده است"),
        Sentence("The slope of u^p is p*u^(p-1).", "شیب u^p برابر p*u^(p-1) است."),
        _SLOPE_AGAIN, "rule", swaps=local_rules.power_not_lowered,
    ),
    Mistake(
        "exponent left out", Sentence("the exponent did not come down", "توان به صورت ضریب نیامده است"),
        Sentence("The slope of u^p is p*u^(p-1): p is a factor.", "شیب u^p برابر p*u^(p-1) است: p ضریب می‌شود."),
        _SLOPE_AGAIN, "rule", of="off by constant", swaps=local_rules.power_without_its_exponent,
    ),
    Mistake(
        "forgot second occurrence",
        Sentence("the variable occurs more than once", "متغیر بیش از یک بار آمده است"),
        Sentence(
            "Only some of the places where the variable occurs were differentiated.",
            "تنها از برخی جاهایی که متغیر آمده مشتق گرفته شده است.",
        ),
        _PATHS_AGAIN, "rule", swaps=local_rules.without_occurrence,
    ),
    Mistake(
        "one of two factors", Sentence("a square was differentiated once",
                                       "از توان دوم تنها یک بار مشتق گرفته شده است"),
        Sentence(
            "Equal factors each give a term: the slope of u*u is 2*u.",
            "عامل‌های برابر هر کدام یک جمله می‌دهند: شیب u*u برابر 2*u است.",
        ),
        _PATHS_AGAIN, "rule", of="missing factor 2", swaps=local_rules.all_twins_but_one,
    ),
    Mistake(
        "branches not added", Sentence("branches were not added", "شاخه‌ها جمع نشده‌اند"),
        Sentence(
            "A value is used by several steps; the gradients that come back from them must be added.",
            "مقداری در چند گام به کار رفته است؛ گرادیان‌هایی که از آن‌ها برمی‌گردد باید جمع شوند.",
        ),
        _PATHS_AGAIN, "rule", of="forgot second occurrence", swaps=local_rules.without_branch,
    ),
    Mistake(
        "treated as constant", Sentence("something was treated as a constant", "چیزی ثابت گرفته شده است"),
        Sentence(
            "A part that depends on the variable, such as a mean, a norm or a denominator, was held fixed.",
            "بخشی که به متغیر بستگی دارد، مانند میانگین، نُرم یا مخرج، ثابت گرفته شده است.",
        ),
        _PATHS_AGAIN, "rule", swaps=local_rules.as_constant,
    ),
    Mistake(
        "product held fixed", Sentence("a factor with the variable was held fixed",
                                       "عاملی دارای متغیر ثابت گرفته شده است"),
        Sentence(
            "A factor that depends on the variable, such as x'*x beside another x, was held fixed.",
            "عاملی که به متغیر بستگی دارد، مانند x'*x در کنار x دیگر، ثابت گرفته شده است.",
        ),
        _PATHS_AGAIN, "rule", of="treated as constant", swaps=product_rules.equal_factors_fixed,
    ),
    Mistake(
        "product rule", Sentence("the product rule was not used", "قاعدهٔ ضرب به کار نرفته است"),
        Sentence(
            "(f*g)' is f'*g + f*g', neither f'*g' nor f*f' + g*g'; (f/g)' is not f'/g'.",
            "(f*g)' برابر f'*g + f*g' است، نه f'*g' و نه f*f' + g*g'؛ (f/g)' هم f'/g' نیست.",
        ),
        Sentence(
            "Hold one factor fixed and differentiate the other; change roles and add.",
            "یک عامل را ثابت بگیرید و از دیگری مشتق بگیرید؛ سپس جای آن‌ها را عوض کنید و جمع کنید.",
        ),
        "rule", swaps=product_rules.own_factor,
    ),
    Mistake(
        "cofactor left out", Sentence("a factor of a product is missing", "یک عامل ضرب از قلم افتاده است"),
        Sentence(
            "What multiplies the variable's part stays as a factor: the derivative of P.*X by X keeps P.",
            "آنچه در بخش دارای متغیر ضرب شده است عامل می‌ماند: در مشتق P.*X نسبت به X عامل P می‌ماند.",
        ),
        _CHAIN_AGAIN, "rule", of="missing chain factor", swaps=product_rules.without_cofactor,
    ),
    Mistake(
        "mean as a sum", Sentence("the divisor of a mean", "مخرج میانگین"),
        Sentence(
            "A mean divides by the number of entries; its derivative is 1/n for each entry, not 1.",
            "میانگین بر تعداد درایه‌ها تقسیم می‌شود؛ مشتق آن نسبت به هر درایه 1/n است و نه 1.",
        ),
        Sentence("Is it a sum or a mean? Write 1/n in front.", "جمع است یا میانگین؟ 1/n را در جلو بنویسید."),
        "rule", of="off by constant", swaps=product_rules.without_count,
    ),
    Mistake(
        "dropped term", Sentence("a term is missing", "یک جمله از قلم افتاده است"),
        Sentence(
            "The derivative of a sum has one term for each term; one is missing.",
            "مشتق یک جمع برای هر جمله یک جمله دارد؛ یکی از قلم افتاده است.",
        ),
        Sentence("Differentiate term by term and tick each term off.",
                 "جمله به جمله مشتق بگیرید و هر جمله را خط بزنید."),
        "rule", swaps=local_rules.without_term,
    ),
    Mistake(
        "Jacobian in part", Sentence("only a part of a Jacobian was used", "تنها بخشی از ژاکوبی آمده است"),
        Sentence(
            "Every output depends on every input, as in softmax: diag(s) - s*s', not one of the two alone.",
            "هر خروجی به هر ورودی بستگی دارد، مانند softmax: diag(s) - s*s' و نه تنها یکی از آن دو.",
        ),
        Sentence(
            "Write d s_i / d x_k for i = k and for i different from k.",
            "d s_i / d x_k را برای i = k و i نابرابر k بنویسید."
        ),
        "rule", of="dropped term", swaps=local_rules.jacobian_in_part,
    ),
    Mistake(
        "Jacobian's diagonal only", Sentence("only the diagonal of a Jacobian", "تنها قطر ژاکوبی آمده است"),
        Sentence(
            "softmax and its like are no functions entry by entry: the Jacobian has entries off its diagonal.",
            "softmax و مانند آن درایه‌به‌درایه نیستند: ژاکوبی بیرون از قطر هم درایه دارد.",
        ),
        Sentence("Does an output move when another input does?", "آیا با تغییر ورودی دیگر، خروجی تغییر می‌کند؟"),
        "rule", of="dropped term", swaps=local_rules.diagonal_only,
    ),
    Mistake(
        "Jacobian left out", Sentence("a Jacobian is missing", "یک ژاکوبی از قلم افتاده است"),
        Sentence(
            "The Jacobian of a function of a whole vector, such as softmax, was left out.",
            "ژاکوبی تابعی از کل بردار، مانند softmax، از قلم افتاده است.",
        ),
        _CHAIN_AGAIN, "rule", of="missing chain factor", swaps=local_rules.jacobian_left_out,
    ),
    Mistake(
        "inverse not transposed", Sentence("a factor is not transposed", "عاملی ترانهاده نشده است"),
        Sentence(
            "The gradient of logdet(X) is inv(X)', and that of a function of inv(X) has inv(X)' on both sides.",
            "گرادیان logdet(X) برابر inv(X)' است و گرادیان تابعی از inv(X) در هر دو سو inv(X)' دارد.",
        ),
        Sentence("Write df = tr(G'*dX) and read off G, not G'.", "بنویسید df = tr(G'*dX) و G را بخوانید، نه G'."),
        "rule", of="missing transpose", swaps=local_rules.inverse_not_turned,
    ),
    Mistake(
        "one sign", Sentence("a sign is wrong on the way", "علامتی در میانهٔ راه نادرست است"),
        Sentence(
            "One step has the wrong sign, such as a minus of a difference, of cos, of 1/u or of an inverse.",
            "یکی از گام‌ها علامت نادرستی دارد، مانند منهای تفاضل، cos، 1/u یا وارون.",
        ),
        Sentence("Follow the sign of each step at one number.", "علامت هر گام را در یک عدد دنبال کنید."),
        "rule", of="sign", swaps=local_rules.slope_negated,
    ),
    Mistake(
        "bars left out", Sentence("another function was differentiated", "از تابع دیگری مشتق گرفته شده است"),
        Sentence(
            "The absolute values were left out: the slope of abs is the sign of its argument.",
            "قدر مطلق کنار گذاشته شده است: شیب abs علامت ورودی آن است.",
        ),
        Sentence("Write down again what is to be differentiated.", "دوباره بنویسید از چه باید مشتق گرفت."),
        "rule", of="differentiated the wrong function", swaps=local_rules.slope_of_sign,
    ),
    Mistake(
        "det for logdet", Sentence("another function was differentiated", "از تابع دیگری مشتق گرفته شده است"),
        Sentence(
            "The derivative of det keeps the factor det(X); without it this is the derivative of logdet.",
            "مشتق det عامل det(X) را دارد؛ بدون آن، مشتق logdet است.",
        ),
        Sentence("Write down again what is to be differentiated.", "دوباره بنویسید از چه باید مشتق گرفت."),
        "rule", of="differentiated the wrong function", swaps=local_rules.value_left_out,
    ),
)  # fmt: skip
