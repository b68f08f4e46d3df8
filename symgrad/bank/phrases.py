"""Every sentence of an answer key, in English and in Persian, in one place.

Sentences take their names as LaTeX between `$...$`.  Digits of prose are Persian in Persian
(`digits`); inside formulas they never are.

>>> say("question", "fa", number=digits(12, "fa"))
'پرسش ۱۲'
"""

from __future__ import annotations

from collections.abc import Mapping

from symgrad.bank.content import Language
from symgrad.errors import UnknownNameError, did_you_mean

_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")

Sentence = tuple[str, str]  # English, Persian

GENERAL: Mapping[str, Sentence] = {
    "key": ("Answer key: {title}", "پاسخنامه: {title}"),
    "question": ("Question {number}", "پرسش {number}"),
    "questions": ("Questions {first} to {last}", "پرسش‌های {first} تا {last}"),
    "legend": (
        "Here grad_v is what arrives at v: the derivative of the output by v.",
        "در اینجا grad_v آن چیزی است که به v می‌رسد: مشتق خروجی نسبت به v.",
    ),
    "answer": ("Answer", "پاسخ"),
    "print wrong": ("The print is wrong", "متن چاپی نادرست است"),
    "print right": ("The print", "متن چاپی"),
    "remark": ("Remark", "نکته"),
    "prints": ("The document prints", "در سند آمده است:"),
    "prints right": ("The document prints the same.", "متن سند همین پاسخ را آورده است."),
    "prints equal": (
        "The document prints the same in another form:",
        "سند همین پاسخ را به صورتی دیگر آورده است:",
    ),
    "differs": ("differs", "متفاوت است"),
    "agrees": ("agrees", "یکسان است"),
    "check": ("Check", "راستی‌آزمایی"),
    "checked": (
        "Checked against the compiled result, the numeric backpropagation engine and finite differences at sizes "
        "${sizes}$: largest disagreement ${error}$.",
        "درستی پاسخ با نتیجهٔ کامپایل‌شده، موتور عددی پس‌انتشار و تفاضل‌های متناهی در اندازه‌های ${sizes}$ سنجیده شد: "
        "بیشترین اختلاف ${error}$.",
    ),
    "checked scalar": (
        "Checked against the compiled result, the numeric backpropagation engine and finite differences at "
        "{count} random points: largest disagreement ${error}$.",
        "درستی پاسخ با نتیجهٔ کامپایل‌شده، موتور عددی پس‌انتشار و تفاضل‌های متناهی در {count} نقطهٔ تصادفی سنجیده شد: "
        "بیشترین اختلاف ${error}$.",
    ),
    "check failed": (
        "The witnesses disagree with this answer, by ${error}$: do not use it.",
        "شاهدهای عددی با این پاسخ به اندازهٔ ${error}$ اختلاف دارند: از آن استفاده نکنید.",
    ),
    "not checked": ("Not checked: {reason}", "راستی‌آزمایی نشد: {reason}"),
    "numbers checked": (
        "These numbers come from running the graph of gates forward and backward.",
        "این اعداد از اجرای روبه‌جلو و روبه‌عقب گراف گیت‌ها به دست آمده‌اند.",
    ),
    "method index": ("In components", "با مؤلفه‌ها"),
    "method chain": ("By the chain rule, backward over the graph", "با قاعدهٔ زنجیری، روبه‌عقب روی گراف"),
    "method differential": ("With differentials", "با دیفرانسیل‌ها"),
    "out of reach": (
        "This derivation cannot be written by this method.",
        "این مشتق‌گیری را با این روش نمی‌توان نوشت.",
    ),
    "as above": ("The steps up to here are those above.", "گام‌های پیش از این همان گام‌های بالا هستند."),
    "forward": ("The forward pass", "محاسبات روبه‌جلو"),
    "backward": ("The backward pass", "محاسبات روبه‌عقب"),
    "asked": ("Question", "پرسش"),
    "quantity": ("Quantity", "کمیت"),
    "formula": ("Formula", "رابطه"),
    "value": ("Value", "مقدار"),
    "gradient": ("Gradient", "گرادیان"),
    "local": ("Local derivative", "مشتق محلی"),
    "printed": ("Printed", "چاپ‌شده"),
    "rounded": (
        "Every number is the exact value, rounded once to {decimals} decimals.",
        "هر عدد مقدار دقیق است که یک بار تا {decimals} رقم اعشار گرد شده است.",
    ),
    "whole": (
        "Every number is the exact value, rounded once to a whole number.",
        "هر عدد مقدار دقیق است که یک بار به عدد صحیح گرد شده است.",
    ),
    "graph": (
        "The graph has one node for each line below and one edge for each name that a line reads.",
        "گراف برای هر سطر زیر یک گره و برای هر نامی که در آن سطر به کار رفته یک یال دارد.",
    ),
    "graph caption": ("Computational graph", "گراف محاسباتی"),
    "chain factors": (
        "The chain rule multiplies, from the output back:",
        "قاعدهٔ زنجیری از خروجی به عقب این مشتق‌ها را در هم ضرب می‌کند:",
    ),
    "chain one": ("On this edge stands one derivative:", "روی این یال تنها یک مشتق قرار دارد:"),
    "code": (
        "From the output back, one line for each name; what a line multiplies was computed in the lines before it.",
        "از خروجی به عقب، برای هر نام یک سطر؛ هر سطر تنها از آنچه در سطرهای پیشین محاسبه شده است استفاده می‌کند.",
    ),
    "code checked": (
        "Every line was compared with the derivative that it must be.",
        "هر سطر با مشتقی که باید باشد مقایسه شد.",
    ),
    "code line": ("Line", "سطر"),
    "code verdict": ("Verdict", "داوری"),
    "code generated": ("Generated", "تولیدشده"),
    "code right": ("right", "درست"),
    "code wrong": ("wrong", "نادرست"),
    "structure shape": (
        "The Jacobian has the shape ${shape}$, that is ${size}$ entries.",
        "ابعاد ماتریس ژاکوبی ${shape}$ است، یعنی ${size}$ درایه دارد.",
    ),
    "structure tensor": (
        "The derivative is a tensor with {axes} axes, ${shape}$: first those of the output, then the variable's.",
        "مشتق تنسوری با {axes} محور و ابعاد ${shape}$ است: نخست محورهای خروجی و سپس محورهای متغیر.",
    ),
    "structure diagonal": (
        "It is diagonal: output $i$ depends on input $i$ only. Its diagonal is the vector",
        "این ماتریس قطری است: خروجی $i$ تنها به ورودی $i$ وابسته است. قطر آن بردار زیر است:",
    ),
    "structure mask": (
        "so on the diagonal there are only zeros and ones. Nobody builds this matrix: its product with a vector is "
        "an entry-by-entry product with the mask.",
        "پس روی قطر تنها صفر و یک قرار دارد. این ماتریس هرگز ساخته نمی‌شود: ضرب آن در یک بردار همان ضرب "
        "درایه‌به‌درایه در این نقاب است.",
    ),
    "structure dense": ("In general no entry is zero.", "در حالت کلی هیچ درایه‌ای صفر نیست."),
    "structure some": (
        "Of these entries {count} can differ from zero; the others are zero at every input.",
        "از این درایه‌ها {count} درایه می‌توانند ناصفر باشند؛ بقیه به ازای هر ورودی صفرند.",
    ),
    "structure zero": ("All entries are zero.", "همهٔ درایه‌ها صفرند."),
    "flattening row": (
        "Before row $i$ there are $i-1$ full rows of ${columns}$ entries each; $A_{{ij}}$ is number $j$ of its row:",
        "پیش از سطر $i$، تعداد $i-1$ سطر کامل قرار دارد که هرکدام ${columns}$ درایه دارد و $A_{{ij}}$ درایهٔ شمارهٔ $j$ "
        "در سطر خودش است:",
    ),
    "flattening column": (
        "Before column $j$ there are $j-1$ full columns of ${rows}$ entries each; $A_{{ij}}$ is number $i$ of its own "
        "column:",
        "پیش از ستون $j$، تعداد $j-1$ ستون کامل قرار دارد که هرکدام ${rows}$ درایه دارد و $A_{{ij}}$ درایهٔ شمارهٔ $i$ "
        "در ستون خودش است:",
    ),
    "flattening example": (
        "Counted out for ${rows} = {row_count}$, ${columns} = {column_count}$:",
        "شمارش برای ${rows} = {row_count}$ و ${columns} = {column_count}$:",
    ),
    "entry": ("Entry", "درایه"),
    "place": ("Place $k$", "جایگاه $k$"),
    "printed place": ("Printed $k$", "$k$ چاپ‌شده"),
    "law distributes": (
        "Addition distributes: every local derivative is $1$, so each input gets the gradient ${upstream}$ unchanged.",
        "جمع پخش می‌کند: همهٔ مشتق‌های محلی برابر $1$ هستند، پس هر ورودی همان گرادیان ${upstream}$ را بدون تغییر می‌گیرد.",
    ),
    "law swaps": (
        "Multiplication swaps: the local derivative by one input is the other input, times the gradient ${upstream}$.",
        "ضرب جابه‌جا می‌کند: مشتق محلی نسبت به هر ورودی، ورودی دیگر است که در گرادیان ${upstream}$ ضرب می‌شود.",
    ),
    "law routes": (
        "The maximum routes: the larger input gets the gradient ${upstream}$, the other $0$; at a tie the first wins.",
        "بیشینه مسیر انتخاب می‌کند: گرادیان ${upstream}$ به ورودی بزرگ‌تر می‌رسد و به دیگری $0$؛ در حالت تساوی، ورودی اول "
        "برنده است.",
    ),
    "law sums": (
        "A copied value collects: the gradients that come back along its edges add up.",
        "مقداری که کپی شده است گرادیان‌ها را گرد می‌آورد: گرادیان‌هایی که از یال‌هایش برمی‌گردند با هم جمع می‌شوند.",
    ),
    "law upstream": (
        "The gradient ${upstream}$ arrives at ${of}$.",
        "گرادیان ${upstream}$ به ${of}$ می‌رسد.",
    ),
}

LAYOUTS: Mapping[str, Sentence] = {
    "scalar": ("One number by one number: a scalar.", "مشتق یک عدد نسبت به یک عدد: یک اسکالر."),
    "gradient": (
        "Layout: the gradient, in the shape of ${wrt}$ (${shape}$).",
        "چیدمان: گرادیان، با ابعاد ${wrt}$، یعنی ${shape}$.",
    ),
    "row": (
        "Layout: numerator; the derivative of a scalar by a vector is a row (${shape}$).",
        "چیدمان: صورت (numerator)؛ مشتق یک اسکالر نسبت به بردار، یک سطر است (${shape}$).",
    ),
    "column": (
        "Layout: denominator; the derivative of a scalar by a vector is a column (${shape}$).",
        "چیدمان: مخرج (denominator)؛ مشتق یک اسکالر نسبت به بردار، یک ستون است (${shape}$).",
    ),
    "numerator": (
        "Layout: numerator; row $i$ belongs to output $i$, column $j$ to input $j$ (${shape}$).",
        "چیدمان: صورت (numerator)؛ سطر $i$ به خروجی $i$ و ستون $j$ به ورودی $j$ مربوط است (${shape}$).",
    ),
    "second": (
        "Layout: row $i$ belongs to entry $i$ of ${first}$, column $j$ to entry $j$ of ${wrt}$ (${shape}$).",
        "چیدمان: سطر $i$ به درایهٔ $i$ از ${first}$ و ستون $j$ به درایهٔ $j$ از ${wrt}$ مربوط است (${shape}$).",
    ),
    "turned": (
        "Layout: numerator; the derivative of a scalar by a matrix has the shape of the transposed matrix (${shape}$).",
        "چیدمان: صورت (numerator)؛ مشتق یک اسکالر نسبت به ماتریس، ابعاد ترانهادهٔ آن ماتریس را دارد (${shape}$).",
    ),
    "denominator": (
        "Layout: denominator; row $i$ belongs to input $i$, column $j$ to output $j$ (${shape}$).",
        "چیدمان: مخرج (denominator)؛ سطر $i$ به ورودی $i$ و ستون $j$ به خروجی $j$ مربوط است (${shape}$).",
    ),
    "tensor": (
        "Layout: a tensor, first the axes of the output, then those of ${wrt}$ (${shape}$).",
        "چیدمان: تنسور؛ نخست محورهای خروجی و سپس محورهای ${wrt}$ (${shape}$).",
    ),
    "vec column": (
        "Matrices are flattened column by column ($\\operatorname{{vec}}$).",
        "ماتریس‌ها ستون‌به‌ستون تخت شده‌اند ($\\operatorname{{vec}}$).",
    ),
    "vec row": (
        "Matrices are flattened row by row ($\\operatorname{{vec}}_r$).",
        "ماتریس‌ها سطربه‌سطر تخت شده‌اند ($\\operatorname{{vec}}_r$).",
    ),
}

RULES: Mapping[str, Sentence] = {
    "components": ("Write ${of}$ in components.", "${of}$ را با مؤلفه‌ها می‌نویسیم."),
    "components scalar": ("We have", "داریم:"),
    "layout column": (
        "Stacked column by column, in the layout that was asked for:",
        "با تخت‌کردن ستون‌به‌ستون، در چیدمان خواسته‌شده:",
    ),
    "layout row": (
        "Stacked row by row, in the layout that was asked for:",
        "با تخت‌کردن سطربه‌سطر، در چیدمان خواسته‌شده:",
    ),
    "layout scalar": ("Altogether:", "در نتیجه:"),
    "product rule": (
        "Differentiate by ${wrt}$: every place where it stands gives a Kronecker delta in turn.",
        "نسبت به ${wrt}$ مشتق می‌گیریم: هر جا که این متغیر آمده است، به نوبت یک دلتای کرونکر می‌دهد.",
    ),
    "product rule scalar": ("Differentiate by ${wrt}$.", "نسبت به ${wrt}$ مشتق می‌گیریم."),
    "collapse": (
        "In a sum, a delta keeps only the term in which its two indices are equal.",
        "دلتا از هر جمع تنها جمله‌ای را نگه می‌دارد که دو اندیس آن برابرند.",
    ),
    "chain rule": ("Chain rule for ${wrt}$.", "قاعدهٔ زنجیری برای ${wrt}$:"),
    "put in": ("Put in what is known:", "آنچه را داریم جای‌گذاری می‌کنیم."),
    "sums to one": ("The entries of the label sum to one.", "جمع درایه‌های بردار برچسب برابر یک است."),
    "read off": ("Read off the matrix:", "صورت ماتریسی را می‌خوانیم."),
    "layout": ("In the layout that was asked for:", "در چیدمان خواسته‌شده:"),
    "structure": (
        "${wrt}$ is {structure}, so the derivative is projected onto that structure.",
        "${wrt}$ ساختار {structure} دارد، پس مشتق روی همان ساختار تصویر می‌شود.",
    ),
    "zero": ("${of}$ does not depend on ${wrt}$.", "${of}$ به ${wrt}$ وابسته نیست."),
    "itself": ("A quantity by itself.", "مشتق یک کمیت نسبت به خودش."),
    "differential": ("Take the differential of ${of}$.", "دیفرانسیل ${of}$ را می‌نویسیم."),
    "gather": ("Gather the terms.", "جمله‌ها را گرد می‌آوریم."),
    "gradient form": (
        "Move the differential to the end: $\\mathrm{{d}} {of} = g^{{\\top}} \\mathrm{{d}} {wrt}$.",
        "دیفرانسیل را به انتها می‌بریم: $\\mathrm{{d}} {of} = g^{{\\top}} \\mathrm{{d}} {wrt}$.",
    ),
    "trace form": (
        "Rotate under the trace: $\\mathrm{{d}} {of} = \\operatorname{{tr}}(G^{{\\top}} \\mathrm{{d}} {wrt})$.",
        "زیر اثر (trace) می‌چرخانیم: $\\mathrm{{d}} {of} = \\operatorname{{tr}}(G^{{\\top}} \\mathrm{{d}} {wrt})$.",
    ),
    "Jacobian form": (
        "Compare with $\\mathrm{{d}} {of} = J \\mathrm{{d}} {wrt}$.",
        "با $\\mathrm{{d}} {of} = J \\mathrm{{d}} {wrt}$ مقایسه می‌کنیم.",
    ),
    "vec form": (
        "Stack both sides: $\\operatorname{{vec}}(A X B) = (B^{{\\top}} \\otimes A) \\operatorname{{vec}} X$.",
        "هر دو سو را تخت می‌کنیم: $\\operatorname{{vec}}(A X B) = (B^{{\\top}} \\otimes A) \\operatorname{{vec}} X$.",
    ),
    "vec form row": (
        "Stack the rows of both sides: "
        "$\\operatorname{{vec}}_r(A X B) = (A \\otimes B^{{\\top}}) \\operatorname{{vec}}_r X$.",
        "سطرهای هر دو سو را پشت سر هم می‌چینیم: "
        "$\\operatorname{{vec}}_r(A X B) = (A \\otimes B^{{\\top}}) \\operatorname{{vec}}_r X$.",
    ),
    "node": ("The node ${of}$ computes", "گره ${of}$ این مقدار را محاسبه می‌کند:"),
    "output": ("Start at the output: its derivative by ${wrt}$.", "از خروجی آغاز می‌کنیم: مشتق آن نسبت به ${wrt}$."),
    "pull back": ("Back through ${readers}$ to ${wrt}$.", "از ${readers}$ به عقب، تا ${wrt}$."),
    "branches": (
        "${wrt}$ feeds {count} places ({readers}): the contributions add.",
        "${wrt}$ به {count} جا می‌رود ({readers}): سهم‌ها با هم جمع می‌شوند.",
    ),
    "branches one": (
        "${wrt}$ occurs there more than once: the contributions add.",
        "${wrt}$ بیش از یک بار به کار رفته است: سهم‌ها با هم جمع می‌شوند.",
    ),
    "softmax cross entropy": (
        "Softmax followed by cross entropy: together they give prediction minus label.",
        "softmax و پس از آن آنتروپی متقاطع: این دو با هم «پیش‌بینی منهای برچسب» را می‌دهند.",
    ),
    "value": ("Put in what arrives.", "آنچه رسیده است جای‌گذاری می‌شود."),
}

STRUCTURES: Mapping[str, Sentence] = {
    "symmetric": ("symmetric", "متقارن"),
    "skew": ("skew", "پادمتقارن"),
    "diagonal": ("diagonal", "قطری"),
    "symmetric free": ("symmetric, by its free entries", "متقارن، با درایه‌های آزاد،"),
    "skew free": ("skew, by its free entries", "پادمتقارن، با درایه‌های آزاد،"),
}

FINDINGS: Mapping[str, Sentence] = {
    "missing mask": ("a mask is missing", "نقابی از قلم افتاده است"),
    "missing chain factor": ("a factor of the chain rule is missing", "عاملی از قاعدهٔ زنجیری از قلم افتاده است"),
    "wrong chain factor": ("a factor does not belong to the chain", "عاملی به این زنجیره تعلق ندارد"),
    "wrong index formula": ("the index formula is wrong", "رابطهٔ اندیس نادرست است"),
    "rounded twice": ("rounded twice", "دو بار گرد شده است"),
    "transposed": ("transposed", "ترانهاده شده است"),
    "missing gradient": ("a gradient is never computed", "گرادیانی هرگز محاسبه نشده است"),
    "dash for minus": ("a dash stands where a minus sign must", "خط تیره به‌جای علامت منها نشسته است"),
    "does not hold": ("the claim does not hold", "این ادعا برقرار نیست"),
    "wrong number of inputs": ("the number of inputs is wrong", "تعداد ورودی‌ها نادرست است"),
    "used too early": ("a gradient is used before it is computed", "گرادیانی پیش از محاسبه به کار رفته است"),
}

WHY_ZERO: Mapping[str, Sentence] = {
    "absent": ("${of}$ does not depend on ${wrt}$.", "${of}$ به ${wrt}$ وابسته نیست."),
    "steps": (
        "Every path from ${of}$ to ${wrt}$ leads through a function that is constant but for its jumps ({steps}): its "
        "derivative is $0$ wherever it exists, and at a jump it does not exist.",
        "هر مسیری از ${of}$ به ${wrt}$ از تابعی می‌گذرد که جز در پرش‌هایش ثابت است ({steps}): مشتق آن هر جا که وجود دارد "
        "$0$ است و در محل پرش وجود ندارد.",
    ),
}

_TABLES = (GENERAL, LAYOUTS, RULES, STRUCTURES, FINDINGS)


def say(name: str, language: Language, /, table: Mapping[str, Sentence] = GENERAL, **values: object) -> str:
    """A sentence in a language.  Raises UnknownNameError."""
    if name not in table:
        raise UnknownNameError(f"there is no sentence {name!r}", hint=did_you_mean(name, table))
    return table[name][language == "fa"].format(**values)


def digits(number: int | str, language: Language) -> str:
    """A number in prose."""
    return str(number).translate(_PERSIAN) if language == "fa" else str(number)


def listed(items: list[str], language: Language) -> str:
    """a, b and c."""
    if len(items) < 2:
        return "".join(items)
    comma, last = ("، ", " و ") if language == "fa" else (", ", " and ")
    return comma.join(items[:-1]) + last + items[-1]
