"""The mistakes that show in the final form, in the layout, in numbers or in a written program.

They are found by changing formulas (`edits`), by comparing values (`search`, `diagnose`), or where they are made
(`numbers`, `staged`); the records here say what they are.

>>> [m.id for m in RECORDS if m.arises == "numbers"]
['rounded twice']
"""

from __future__ import annotations

from symgrad.verification.mistake import Mistake, Sentence

_SHAPES_AGAIN = Sentence(
    "Write the shape under every factor: inner sizes must meet, and the outer ones are the answer's.",
    "زیر هر عامل اندازه‌اش را بنویسید: اندازه‌های درونی باید برابر باشند و اندازه‌های بیرونی از آن پاسخ‌اند.",
)
_ENTRY_AGAIN = Sentence(
    "Write one entry with its indices and read the order of the factors off it.",
    "یک درایه را با اندیس‌هایش بنویسید و ترتیب عامل‌ها را از روی آن بخوانید.",
)
_TERMS_AGAIN = Sentence(
    "Differentiate term by term and compare the number of terms.", "جمله به جمله مشتق بگیرید و شمار جمله‌ها را بسنجید."
)
_NUMBER_AGAIN = Sentence(
    "Take all sizes to be 1 and compare with the scalar derivative.",
    "همهٔ اندازه‌ها را 1 بگیرید و با مشتق اسکالر بسنجید.",
)

RECORDS = (
    Mistake(
        "transposed", Sentence("transposed", "ترانهاده"),
        Sentence(
            "This is the transpose of the derivative in the layout that was asked for.",
            "این ترانهادهٔ مشتق در چیدمان خواسته‌شده است.",
        ),
        _SHAPES_AGAIN, "layout",
    ),
    Mistake(
        "wrong layout", Sentence("right in another layout", "درست در چیدمانی دیگر"),
        Sentence(
            "The derivative is right, but arranged by another convention than the one that was asked for.",
            "مشتق درست است، اما با قراردادی جز قرارداد خواسته‌شده چیده شده است.",
        ),
        Sentence(
            "Ask which index counts the rows: the output's or the variable's.",
            "بپرسید کدام اندیس سطرها را می‌شمارد: اندیس خروجی یا اندیس متغیر.",
        ),
        "layout",
    ),
    Mistake(
        "sign", Sentence("the sign is wrong", "علامت نادرست است"),
        Sentence("The answer, or a term of it, is the negative of what it should be.",
                 "پاسخ یا جمله‌ای از آن قرینهٔ چیزی است که باید باشد."),
        Sentence("Does the function grow where the answer says so? Try one point; is it y - p or p - y?",
                 "آیا تابع جایی که پاسخ می‌گوید رشد می‌کند؟ یک نقطه را بیازمایید و به y - p یا p - y توجه کنید."),
        "form",
    ),
    Mistake(
        "missing factor 2", Sentence("a factor 2 is missing", "ضریب 2 از قلم افتاده است"),
        Sentence(
            "A square, or two equal terms, gives a factor 2 that the answer lacks.",
            "از توان دوم یا از دو جملهٔ برابر، ضریب 2 به دست می‌آید که در پاسخ نیست.",
        ),
        _NUMBER_AGAIN, "form",
    ),
    Mistake(
        "extra factor 2", Sentence("a factor 2 too many", "یک ضریب 2 زیادی است"),
        Sentence("The answer, or a term of it, is twice what it should be.", "پاسخ یا جمله‌ای از آن دو برابر است."),
        _NUMBER_AGAIN, "form", of="off by constant",
    ),
    Mistake(
        "off by constant", Sentence("off by a constant factor", "یک ضریب ثابت نادرست است"),
        Sentence("The answer, or a term of it, is a constant times what it should be.",
                 "پاسخ یا جمله‌ای از آن مضربی ثابت از مقدار درست است."),
        _NUMBER_AGAIN, "form",
    ),
    Mistake(
        "divisor of a mean", Sentence("the divisor of a mean", "مخرج میانگین"),
        Sentence("The answer differs by a number of entries: a mean divides by it, a sum does not.",
                 "پاسخ به اندازهٔ تعداد درایه‌ها تفاوت دارد: میانگین بر آن تقسیم می‌شود و جمع نه."),
        Sentence("Is it a sum or a mean? Write 1/n in front.", "جمع است یا میانگین؟ 1/n را در جلو بنویسید."),
        "form", of="off by constant",
    ),
    Mistake(
        "assumed symmetric", Sentence("a matrix was taken as symmetric", "ماتریسی متقارن فرض شده است"),
        Sentence("The answer is right only where the square matrix is symmetric, and that is not given.",
                 "پاسخ تنها برای ماتریس متقارن درست است، و تقارن داده نشده است."),
        Sentence("Keep A and A' apart until the end, and try a matrix that is not symmetric.",
                 "A و A' را تا پایان جدا نگه دارید و ماتریسی نامتقارن را بیازمایید."),
        "form",
    ),
    Mistake(
        "missing transpose", Sentence("a transpose is missing", "یک ترانهاده از قلم افتاده است"),
        Sentence("One factor should be transposed.", "یکی از عامل‌ها باید ترانهاده شود."), _SHAPES_AGAIN, "form",
    ),
    Mistake(
        "extra transpose", Sentence("a transpose too many", "یک ترانهاده زیادی است"),
        Sentence("One factor should not be transposed.", "یکی از عامل‌ها نباید ترانهاده شود."), _SHAPES_AGAIN, "form",
    ),
    Mistake(
        "wrong order", Sentence("factors in the wrong order", "ترتیب عامل‌ها نادرست است"),
        Sentence("Matrix products do not commute: factors should change places.",
                 "ضرب ماتریس‌ها جابه‌جایی ندارد: جای عامل‌ها باید عوض شود."),
        _ENTRY_AGAIN, "form",
    ),
    Mistake(
        "elementwise vs matrix product",
        Sentence("entry by entry for a matrix product, or back", "ضرب درایه‌ای به جای ضرب ماتریسی یا برعکس"),
        Sentence("A product is of the wrong kind: .* multiplies entries, * multiplies rows by columns.",
                 "نوع یک ضرب نادرست است: .* درایه‌ها را ضرب می‌کند و * سطرها را در ستون‌ها."),
        _ENTRY_AGAIN, "form",
    ),
    Mistake(
        "diag missing", Sentence("diag is missing", "diag از قلم افتاده است"),
        Sentence("A vector of slopes scales the rows of a matrix as diag(v)*A.",
                 "بردار شیب‌ها سطرهای ماتریس را به صورت diag(v)*A ضرب می‌کند."),
        _ENTRY_AGAIN, "form", of="elementwise vs matrix product",
    ),
    Mistake(
        "factor left out", Sentence("a factor is missing", "یک عامل از قلم افتاده است"),
        Sentence("A factor of the product, outer or inner, was left out.",
                 "عاملی از ضرب، بیرونی یا درونی، از قلم افتاده است."),
        Sentence("Name every step of the composition and write one factor for each, outermost first.",
                 "برای هر گام ترکیب نامی بگذارید و از بیرونی‌ترین گام، برای هر کدام یک عامل بنویسید."),
        "form", of="missing chain factor",
    ),
    Mistake(
        "zeros left out", Sentence("entries that must be zero are not", "درایه‌هایی که باید صفر باشند صفر نیستند"),
        Sentence("The answer is right where the derivative is not zero; a mask of zeros and ones is missing.",
                 "پاسخ جایی که مشتق صفر نیست درست است؛ نقابی از صفر و یک کم است."),
        Sentence("Which entries of the variable does the function use at all?",
                 "تابع اصلاً کدام درایه‌های متغیر را به کار می‌برد؟"),
        "comparison", of="missing mask",
    ),
    Mistake(
        "bias not summed", Sentence("not summed over the batch", "روی دسته جمع نشده است"),
        Sentence("What is added to every row collects the gradients of all rows.",
                 "آنچه به همهٔ سطرها افزوده می‌شود گرادیان همهٔ سطرها را جمع می‌کند."),
        Sentence("A copy sums: how many times is the value used?", "رونوشت جمع می‌کند: مقدار چند بار به کار رفته است؟"),
        "form", of="missing chain factor",
    ),
    Mistake(
        "term left out", Sentence("a term is missing", "یک جمله از قلم افتاده است"),
        Sentence("The answer lacks a term of the derivative.", "پاسخ یکی از جمله‌های مشتق را ندارد."),
        _TERMS_AGAIN, "comparison", of="dropped term",
    ),
    Mistake(
        "extra term", Sentence("a term too many", "یک جمله زیادی است"),
        Sentence("The answer has a term that the derivative does not have.", "پاسخ جمله‌ای دارد که در مشتق نیست."),
        Sentence("Which terms of the function contain the variable at all?", "کدام جمله‌های تابع متغیر را دارند؟"),
        "comparison",
    ),
    Mistake(
        "extra factor", Sentence("a factor too many", "یک عامل زیادی است"),
        Sentence("The answer has a factor that does not belong to it.", "پاسخ عاملی دارد که به آن تعلق ندارد."),
        _SHAPES_AGAIN, "form",
    ),
    Mistake(
        "stale variable", Sentence("another name belongs here", "نام دیگری باید اینجا بیاید"),
        Sentence("One name in the answer should be another one of the same shape.",
                 "یکی از نام‌های پاسخ باید نام دیگری با همان اندازه باشد."),
        Sentence("Which step's value arrives here?", "مقدار کدام گام به اینجا می‌رسد؟"), "form",
    ),
    Mistake(
        "differentiated the wrong function",
        Sentence("another function was differentiated", "از تابع دیگری مشتق گرفته شده است"),
        Sentence("The answer is the derivative of another function, with a step left out or another one in its place.",
                 "پاسخ مشتق تابع دیگری است که گامی از آن افتاده یا گام دیگری جای آن آمده است."),
        Sentence("Write down again what is to be differentiated.", "دوباره بنویسید از چه باید مشتق گرفت."), "rule",
    ),
    Mistake(
        "rounded twice", Sentence("rounded twice", "دو بار گرد شده است"),
        Sentence("A number that had been rounded already was used to go on; the last digit is off.",
                 "محاسبه با عددی ادامه یافته که پیش‌تر گرد شده بود؛ رقم آخر درست نیست."),
        Sentence("Keep all digits until the end.", "تا پایان همهٔ رقم‌ها را نگه دارید."), "numbers",
    ),
    Mistake(
        "wrong chain factor", Sentence("a wrong factor in the chain", "عاملی نادرست در زنجیره"),
        Sentence(
            "Each factor must differentiate what the one before it differentiated by, from the output to the variable.",
            "هر عامل باید مشتق همان کمیتی باشد که عامل پیشین نسبت به آن مشتق گرفته است، از خروجی تا متغیر.",
        ),
        Sentence("Read the chain aloud: by whom, of whom, by whom, ...",
                 "زنجیره را بخوانید: نسبت به چه، از چه، نسبت به چه، ..."),
        "program",
    ),
    Mistake(
        "wrong index formula", Sentence("a wrong index formula", "رابطهٔ نادرست برای اندیس"),
        Sentence("The formula puts an entry of the matrix in the wrong place of the flat vector.",
                 "این رابطه درایه‌ای از ماتریس را در جای نادرستی از بردار تخت می‌گذارد."),
        Sentence("Number the entries of a 2 x 3 matrix by hand.",
                 "درایه‌های یک ماتریس 2 در 3 را با دست بشمارید."), "program",
    ),
    Mistake(
        "gradient of another name", Sentence("the line computes another gradient",
                                             "این سطر گرادیان دیگری را حساب می‌کند"),
        Sentence("The right hand side is a gradient, but of another name than the one on the left.",
                 "سمت راست یک گرادیان است، اما از نامی جز نام سمت چپ."),
        Sentence("Go backwards line by line: which name does this step hand its gradient to?",
                 "سطر به سطر به عقب بروید: این گام گرادیان را به کدام نام می‌دهد؟"),
        "program", of="wrong chain factor",
    ),
    Mistake(
        "wrong exponent", Sentence("an exponent is wrong", "یک توان نادرست است"),
        Sentence("A part of the answer has another exponent than it should.",
                 "بخشی از پاسخ توانی جز توان درست دارد."),
        Sentence("Take all sizes to be 1 and compare with the scalar derivative.",
                 "همهٔ اندازه‌ها را 1 بگیرید و با مشتق اسکالر بسنجید."),
        "form",
    ),
    Mistake(
        "sum left out", Sentence("a sum or a trace is missing", "یک جمع یا رد از قلم افتاده است"),
        Sentence("A sum, a trace or a diagonal was left out: it stays a factor of the chain.",
                 "جمع، رد یا قطری از قلم افتاده است که در زنجیره می‌ماند."),
        _SHAPES_AGAIN, "form", of="missing chain factor",
    ),
    Mistake(
        "missing gradient", Sentence("a gradient is never computed", "گرادیانی حساب نشده است"),
        Sentence("A gradient is used or asked for, but no line computes it.",
                 "گرادیانی به کار رفته یا خواسته شده است، اما هیچ سطری آن را حساب نمی‌کند."),
        Sentence("Does every name on the right stand on the left of an earlier line?",
                 "آیا هر نامِ سمت راست در سمت چپ سطری پیش از آن آمده است؟"), "program",
    ),
    Mistake(
        "used too early", Sentence("a gradient is used before it is complete",
                                   "گرادیان پیش از کامل شدن به کار رفته است"),
        Sentence("Another step still adds to this gradient in a later line.",
                 "گامی دیگر در سطری پس از این هنوز به این گرادیان می‌افزاید."),
        Sentence("Add what comes from all branches first, then go on.",
                 "نخست آنچه را از همهٔ شاخه‌ها می‌رسد جمع کنید، سپس ادامه دهید."), "program",
    ),
    Mistake(
        "function kept", Sentence("a function stands that should be gone", "تابعی مانده است که باید از میان می‌رفت"),
        Sentence("A sum, a trace or a norm of something stands where that thing itself, or its slope, belongs.",
                 "جمع، رد یا نُرم چیزی به جای خود آن چیز یا شیب آن مانده است."),
        _SHAPES_AGAIN, "form", of="missing chain factor",
    ),
    Mistake(
        "other structure", Sentence("another convention for a symmetric variable",
                                    "قراردادی دیگر برای متغیر متقارن"),
        Sentence("The derivative is right, but by another convention for a variable with a structure: "
                 "by its free entries, projected, or as if it had none.",
                 "مشتق درست است، اما با قراردادی دیگر برای متغیر ساخت‌دار: "
                 "نسبت به درایه‌های آزاد، تصویرشده، یا چنان‌که گویی ساختی ندارد."),
        Sentence("Which entries of the variable move together?", "کدام درایه‌های متغیر با هم تغییر می‌کنند؟"),
        "layout", of="wrong layout",
    ),
    Mistake(
        "other axis", Sentence("summed over the wrong axis", "جمع در راستای نادرست"),
        Sentence("Rows were summed where columns should be, or the other way round.",
                 "سطرها جمع شده‌اند جایی که باید ستون‌ها جمع شوند، یا برعکس."),
        _SHAPES_AGAIN, "form", of="wrong order",
    ),
    Mistake(
        "one term twice", Sentence("one of two terms stands twice", "یکی از دو جمله دو بار آمده است"),
        Sentence("The derivative has two terms that are not equal; the answer has one of them twice, "
                 "as if the matrix between them were symmetric.",
                 "مشتق دو جملهٔ نابرابر دارد؛ در پاسخ یکی از آن‌ها دو بار آمده است، "
                 "چنان‌که گویی ماتریس میان آن‌ها متقارن است."),
        Sentence("Keep both terms apart, and try values for which they differ.",
                 "هر دو جمله را جدا نگه دارید و مقدارهایی را بیازمایید که در آن‌ها برابر نیستند."),
        "form", of="assumed symmetric",
    ),
    Mistake(
        "by another variable", Sentence("differentiated by another variable", "نسبت به متغیر دیگری مشتق گرفته شده است"),
        Sentence("This is the derivative of the same function by another of its variables.",
                 "این مشتق همان تابع است، اما نسبت به متغیر دیگری."),
        Sentence("Which variable moves, and which ones are held fixed?",
                 "کدام متغیر تغییر می‌کند و کدام‌ها ثابت‌اند؟"),
        "form", of="differentiated the wrong function",
    ),
    Mistake(
        "not differentiated", Sentence("one differentiation is missing", "یک بار مشتق گرفتن از قلم افتاده است"),
        Sentence("This is what is to be differentiated, not yet its derivative.",
                 "این همان چیزی است که باید از آن مشتق گرفت، نه مشتق آن."),
        Sentence("How many times is to be differentiated, and what is the shape of the result?",
                 "چند بار باید مشتق گرفت و حاصل چه اندازه‌ای دارد؟"),
        "form", of="differentiated the wrong function",
    ),
)
