"""The names, places and review topics of generated customers."""

#: First names, each with a gender in the form of Core v3.
FIRST_NAMES = (
    ("Ada", "F"),
    ("Bruno", "M"),
    ("Chloé", "F"),
    ("Dmitri", "M"),
    ("Elif", "F"),
    ("Fjodor", "M"),
    ("Grażyna", "F"),
    ("Hüseyin", "M"),
    ("Ines", "F"),
    ("Jörg", "M"),
    ("Kübra", "F"),
    ("Łukasz", "M"),
    ("Maria-Magdalena Antoinette Charlotte", "F"),
    ("Noah", "M"),
    ("Øyvind", "M"),
    ("Priya", "F"),
    ("Robin", "Other"),
    ("Søren", "M"),
    ("Zoë", "F"),
)
LAST_NAMES = (
    "Anderson",
    "Bäcker",
    "Çelik",
    "D'Angelo",
    "Esposito",
    "Fernández de la Vega y Ruiz-Montealegre von Hohenstein",
    "Großmann",
    "Hughes",
    "Ivanova",
    "Jensen",
    "Kowalczyk",
    "Lindström",
    "Müller-Lüdenscheidt",
    "Nguyen",
    "O'Brien",
    "Roe",
    "Şahin",
    "Wolfeschlegelsteinhausenbergerdorff",
    "Yılmaz",  # noqa: RUF001 - the dotless i is how it is written
    "Zieliński",
)

#: City, state, province code, country code, language, currency.
PLACES = (
    ("Berkeley", "California", "CA", "US", "en", "USD"),
    ("München", "Bayern", "BY", "DE", "de", "EUR"),
    ("İstanbul", "İstanbul", "34", "TR", "tr", "TRY"),
    ("London", "England", "ENG", "GB", "en", "GBP"),
    ("Malmö", "Skåne", "M", "SE", "sv", "EUR"),
    ("Tel Aviv", "Tel Aviv", "TA", "IL", "en", "ILS"),
)
SYMBOLS = {"USD": "$", "EUR": "€", "TRY": "₺", "GBP": "£", "ILS": "₪"}

#: Some of these texts contain empty items, like recorded tags.
TAGS = ("", "vip", "vip,,demo", "wholesale,newsletter", ",outlet", "Sommer 2025,", "loyal,returning,  gift")
TOPICS = ("quality", "size", "shipping", "price", "customer service", "colour", "packaging", "smell")
STREETS = ("1 Road", "Hauptstraße 12", "İstiklal Caddesi 5/3", "22 Acacia Avenue", "Storgatan 7")
