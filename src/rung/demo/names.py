"""Names of people, companies and cities by country, and the addresses made from them.

Written by hand so that a list of people reads like a list of people. Any likeness to a living person is chance;
every address ends in `.example`.
"""

import unicodedata
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Country:
    """One country: how often companies come from it, what its people and firms are called, how its clocks differ."""

    code: str
    name: str
    weight: float
    currency: str
    hours_from_berlin: int
    given: tuple[str, ...]
    family: tuple[str, ...]
    cities: tuple[str, ...]
    stems: tuple[str, ...]
    """First words of company names."""
    tongue: str
    """Which of TRADE_WORDS its companies use."""


_NAMES: Final = {
    "DE": "Germany",
    "AT": "Austria",
    "CH": "Switzerland",
    "GB": "United Kingdom",
    "NO": "Norway",
    "SE": "Sweden",
    "DK": "Denmark",
    "NL": "Netherlands",
    "FR": "France",
    "ES": "Spain",
    "IT": "Italy",
    "PL": "Poland",
    "PT": "Portugal",
    "GR": "Greece",
    "TR": "Türkiye",
    "IE": "Ireland",
    "US": "United States",
    "CA": "Canada",
    "IN": "India",
    "JP": "Japan",
    "TW": "Taiwan",
    "VN": "Vietnam",
    "NG": "Nigeria",
    "GH": "Ghana",
    "BR": "Brazil",
    "ZA": "South Africa",
}


def _country(row: str) -> Country:
    head, given, family, cities, stems = (part.strip() for part in row.split("|"))
    code, weight, currency, hours, tongue = head.split()

    def words(text: str) -> tuple[str, ...]:
        return (
            tuple(text.replace("_", " ").split())
            if "_" not in text
            else tuple(w.replace("_", " ") for w in text.split())
        )

    return Country(
        code,
        _NAMES[code],
        float(weight),
        currency,
        int(hours),
        words(given),
        words(family),
        words(cities),
        words(stems),
        tongue,
    )


COUNTRIES: Final = tuple(
    _country(row)
    for row in (
        """DE 24 EUR 0 de | Anna Lukas Katharina Jonas Sabine Felix Miriam Tobias Claudia Matthias Franziska
        Stefan Elif Johannes Nadine Florian Heike Sebastian Aylin Moritz Ulrike Daniel Svenja Emre Birgit
        Niklas Petra Henrik Leonie Axel | Brandstätter Hoffmann Krüger Vogel Yılmaz Schubert Lindner Keller
        Franke Böhm Winkler Sauer Engelhardt Dietrich Albrecht Lorenz Kaya Seidel Pfeiffer Haas Ziegler
        Reuter Kuhn Ebert Busch Thiele Arnold Voigt Baumgartner Ritter Jansen Öztürk | Hamburg Bremen
        Leipzig Mannheim Nürnberg Augsburg Kassel Rostock Dortmund Ulm | Alpenwerk Nordhafen Elbtal
        Rheinfurt Havelberg Sonnborn Steinach Lindenau Weserkai Brückner Eifelstern Oderland Haldenbach
        Silbertal Kronhof Falkenried Moorburg Taunusblick""",
        """AT 4 EUR 0 de | Johanna Maximilian Valentina Philipp Magdalena Dominik Theresa Andreas Selin Georg
        | Gruber Steiner Moser Leitner Egger Wallner Hofer Brandl Pichler Schwarzinger | Linz Graz Salzburg Innsbruck
        | Donautal Karwendel Traunfeld Wienerberg Almgrund Murtal""",
        """CH 5 EUR 0 de | Seraina Beat Corinne Reto Livia Urs Noemi Luca Fabienne Gian
        | Zürcher Ammann Caduff Bianchi Rochat Keller Wyss Favre Meier Lütolf | Basel Winterthur Luzern Lausanne
        | Rheinbord Jurahöhe Säntisblick Lémanic Gotthardt Aaretal""",
        """GB 16 GBP -1 en | Amelia Oliver Priya James Charlotte Daniel Aisha Thomas Harriet Kwame Eleanor
        Callum Fiona Rhys Imogen Samir Georgina Alasdair Nadia Hugo Bethan Marcus Tamsin Idris | Whitcombe
        Patel Hargreaves Okonkwo MacLeod Ellison Fairbairn Pritchard Ahmed Thornbury Kaur Lockwood Bannister
        Rahman Cartwright Sinclair Mensah Holloway Desai Penrose Ashdown Blackwood Rowe Trevelyan | Leeds
        Bristol Glasgow Felixstowe Cardiff Nottingham Hull Norwich | Thornfield Ashbourne Kestrel Pennine
        Harrowgate Wexcombe Mersea Longstone Bramley Caldbeck Fenwick Marlpit Ravenscar Tidewell""",
        """NO 4 EUR 0 no | Ingrid Henrik Marte Eirik Solveig Lars Astrid Magnus Silje Sindre Kari Håkon Tuva
        Øyvind Hanna Anders | Aasen Dahl Hovland Bakke Lund Nygård Strand Haugen Sæther Moen Rønning Fossum
        Tveit Berge Eide Myhre | Bergen Stavanger Trondheim Ålesund Tromsø Drammen | Havnelinje Fjellvik
        Nordlys Skagerak Trollnes Vestkyst Lofotfisk Sognedal Isfjell Brattvåg Sjøholt""",
        """SE 3 EUR 0 no | Elsa Oskar Linnea Viktor Maja Gustav Freja Axel Saga Nils Ebba Isak Tove Mattias
        Amina Johan | Lindqvist Bergström Sandberg Åkesson Nyström Holmgren Sjöberg Ekström Wallin Hedlund
        Norberg Söderlund Åberg Lundgren Hassan Forsberg | Göteborg Malmö Uppsala Västerås Helsingborg Luleå
        | Norrsken Vänerborg Björkhamn Tallvik Mälarkraft Gotska Silverå Kopparberget Öresten""",
        """DK 2 EUR 0 no | Freja Mikkel Sofie Rasmus Ida Kasper Mathilde Jeppe Laura Søren Clara Emil | Kjær
        Mortensen Bruun Østergaard Holst Vestergaard Lauridsen Skov Dam Thygesen Juhl Winther | Aarhus
        Odense Esbjerg Aalborg | Vesterhav Østkaj Lillebælt Jyskagro Havgaard Sundkorn Bøgelund""",
        """NL 12 EUR 0 nl | Anneke Daan Sanne Bram Femke Ruben Lotte Thijs Fatima Joris Maartje Pieter Noor
        Wouter Iris Bas | de_Vries van_Dijk Bakker Smit Hendriks van_den_Berg Mulder de_Groot Bouwman
        Verhoeven El_Amrani Kuipers van_Leeuwen Postma Dekker Visser | Rotterdam Utrecht Eindhoven Groningen
        Delft Venlo | Delta Waalhaven Polder Zuidkade Hollandia Maasvlak Oranjezoom Veluwe Noorderdam
        Kanaalzicht""",
        """FR 12 EUR 0 fr | Camille Julien Élodie Antoine Manon Karim Chloé Mathieu Inès Thibault Nathalie Rémi
        Sofia Étienne Aurélie Yanis | Lefèvre Moreau Garnier Benali Rousseau Chevalier Marchand Fontaine
        Delacroix Perrin Haddad Besson Lemoine Carpentier Gauthier Renard | Lyon Nantes Lille Toulouse
        Strasbourg Rennes | Maison_Verdier Atlantis Bellerive Montclar Valoise Garance Clairvaux Rivedoux
        Haute-Combe Soleil_Levant""",
        """ES 3 EUR 0 es | Lucía Javier Carmen Álvaro Marta Diego Elena Pablo Nuria Sergio Inés Raúl Pilar Iker
        | Fuentes Navarro Iglesias Ortega Vidal Cabrera Molina Serrano Castaño Herrero Ibáñez Peña Rovira
        Etxeberria | Valencia Bilbao Zaragoza Sevilla Vigo | Levante Sierra_Clara Campo_Alto Ebro Montaña
        Puerto_Nuevo Olivar Costa_Verde Almendra""",
        """IT 3 EUR 0 it | Giulia Matteo Chiara Lorenzo Francesca Davide Elisa Alessandro Martina Federico
        Silvia Pietro Ilaria Nicola | Ricciardi Bianchi Ferrara Colombo Marchetti Galli Moretti Conti
        Barbieri Fontana De_Santis Rinaldi Caruso Bellini | Torino Bologna Verona Genova Padova |
        Officine_Ricciardi Lagomare Pietralba Valdoro Monteverde Adriana San_Rocco Terranova Bellacqua""",
        """PL 3 EUR 0 pl | Katarzyna Tomasz Zofia Marek Agnieszka Piotr Magdalena Jakub Ewa Paweł Joanna Michał
        Dorota Krzysztof | Wieczorek Nowak Lis Kowalczyk Zielińska Wójcik Mazur Krawczyk Jabłońska Sikora
        Pawlak Górska Dudek Kaczmarek | Gdańsk Wrocław Poznań Łódź Katowice | Polmetal Wisła Bałtyk Tatra
        Śląska Mazury Odra Wawel Karpaty""",
        """PT 2 EUR -1 pt | Rafael Beatriz Tiago Mariana Gonçalo Inês Rui Catarina Duarte Leonor | Moreira
        Carvalho Teixeira Nogueira Figueiredo Pinto Barros Antunes Queirós Lacerda | Porto Lisboa Braga
        Setúbal | Vento_Sul Atlântida Douro Cortiça_Nova Serra_Azul Tejo Mar_Alto""",
        """GR 2 EUR 1 en | Sofia Nikos Eleni Giorgos Katerina Dimitris Ioanna Stavros | Papadopoulou Georgiou
        Nikolaidis Antoniou Vasileiou Economou Karras Theodorou | Piraeus Thessaloniki Patras | Aegis
        Pelagos Olympia Ionian""",
        """TR 2 EUR 2 en | Elif Mehmet Zeynep Can Ayşe Burak Derya Kerem | Yıldız Demir Aydın Şahin Arslan Koç
        Çelik Polat | İzmir Bursa Mersin İstanbul | Marmara Anadolu Boğaz Kapadokya Toros""",
        """IE 2 EUR -1 en | Siobhán Conor Aoife Declan Niamh Eoin Róisín Cillian | Gallagher Byrne Kavanagh
        O'Sullivan Brennan Nolan Fitzgerald Doyle | Cork Galway Dublin Limerick | Kilronan Shannon Connemara
        Tara Burren""",
        """US 3 USD -6 en | Emily Marcus Jasmine Tyler Maria Andrew Keisha Brandon Rachel Luis Hannah Darnell
        Grace Kevin Alicia Wei | Whitfield Ramirez Johnson-Reed Kowalski Nguyen Thompson Delgado Brooks
        Sullivan Chen Washington Larsen Ortiz Abrams Coleman Park | Columbus Portland Savannah Milwaukee
        Charlotte Tacoma | Cascadia Bluewater Redstone Prairie Great_Basin Ironwood Tidelands Copperline
        Juniper Summit_Ridge""",
        """CA 2 USD -6 en | Chloe Liam Sophie Noah Gurpreet Mathieu Hannah Arjun | Tremblay MacKenzie Singh
        Bouchard Campbell Dhillon Leblanc Fraser | Halifax Winnipeg Québec Calgary | Maplecrest Lakehead
        Aurora Laurentian""",
        """IN 2 USD 4 en | Priya Arjun Ananya Rohan Kavya Vikram Meera Siddharth Lakshmi Aditya | Raghunathan
        Iyer Sharma Banerjee Kulkarni Nair Reddy Chatterjee Menon Joshi | Pune Chennai Hyderabad Kochi |
        Kaveri Deccan Malabar Sahyadri Indus""",
        """JP 2 USD 8 en | Haruto Yuki Aiko Kenji Sakura Daichi Emi Takumi | Nakagawa Tanabe Mori Fujimoto
        Ishikawa Okada Hayashi Kuroda | Yokohama Kobe Nagoya | Seiryo Hinode Aozora Kitamura""",
        """TW 1 USD 7 en | Mei-Ling Chia-Wei Shu-Fen Po-Han Yi-Ting Jun-Jie | Chen Lin Huang Tsai Hsu Kuo |
        Kaohsiung Taichung Taipei | Formosa Yushan Taroko""",
        """VN 1 USD 6 en | Thu_Trang Minh Lan_Anh Quang Hoa Đức | Nguyễn Trần Phạm Lê Vũ Đặng | Đà_Nẵng
        Hải_Phòng | Mekong Sông_Hồng""",
        """NG 2 USD 0 en | Oluwaseun Aisha Chinedu Ngozi Tunde Folake Emeka Halima | Adeyemi Bello Okafor Eze
        Balogun Nwosu Abubakar Ojo | Lagos Abuja Kano | Lagoon Harmattan Savanna Zuma""",
        """GH 1 USD -1 en | Kwame Akosua Kofi Abena Yaw Efua | Asante Owusu Boateng Mensah Osei Appiah | Accra
        Tema Kumasi | Volta Adinkra""",
        """BR 2 USD -4 pt | Mariana Thiago Larissa Gustavo Fernanda Caio Juliana Renato | Azevedo Monteiro
        Cardoso Ribeiro Sampaio Vasconcelos Prado Falcão | Santos Curitiba Recife | Cerrado Ipê Guanabara
        Araucária""",
        """ZA 1 USD 1 en | Thandi Pieter Lerato Sipho Zanele Johan | Dlamini van_Wyk Mokoena Nkosi Botha Naidoo
        | Durban Cape_Town Gqeberha | Drakens Fynbos Karoo""",
    )
)

TRADE_WORDS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "Logistics": {
        "de": ("Logistik", "Spedition", "Hafenbetriebe"),
        "no": ("Logistikk", "Rederi", "Frakt"),
        "nl": ("Transport", "Sluizen", "Logistiek"),
        "fr": ("Logistique", "Transports"),
        "es": ("Logística", "Transportes"),
        "it": ("Logistica", "Trasporti"),
        "pl": ("Logistyka", "Spedycja"),
        "pt": ("Logística", "Transportes"),
        "en": ("Logistics", "Freight", "Shipping"),
    },
    "Manufacturing": {
        "de": ("Maschinen", "Guss", "Antriebstechnik"),
        "no": ("Industri", "Verft"),
        "nl": ("Machines", "Metaal"),
        "fr": ("Industries", "Mécanique"),
        "es": ("Metal", "Maquinaria"),
        "it": ("Meccanica", "Acciai"),
        "pl": ("Odlewnia", "Maszyny"),
        "pt": ("Metalúrgica", "Cerâmica"),
        "en": ("Foundry", "Works", "Engineering"),
    },
    "Retail": {
        "de": ("Handel", "Märkte"),
        "no": ("Handel", "Butikk"),
        "nl": ("Winkels", "Warenhuis"),
        "fr": ("Distribution", "Magasins"),
        "es": ("Comercio", "Tiendas"),
        "it": ("Negozi", "Distribuzione"),
        "pl": ("Sklepy", "Handel"),
        "pt": ("Comércio", "Lojas"),
        "en": ("Retail Group", "Stores", "Outfitters"),
    },
    "Utilities": {
        "de": ("Stadtwerke", "Energie"),
        "no": ("Kraft", "Energi"),
        "nl": ("Energie", "Water"),
        "fr": ("Énergies", "Eaux"),
        "es": ("Energía", "Aguas"),
        "it": ("Energia", "Acque"),
        "pl": ("Energetyka", "Wodociągi"),
        "pt": ("Energia", "Águas"),
        "en": ("Power", "Water", "Solar"),
    },
    "Food": {
        "de": ("Molkerei", "Feinkost"),
        "no": ("Sjømat", "Meieri"),
        "nl": ("Zuivel", "Foods"),
        "fr": ("Laiteries", "Saveurs"),
        "es": ("Alimentos", "Conservas"),
        "it": ("Alimentari", "Pasta"),
        "pl": ("Mleczarnia", "Spożywcza"),
        "pt": ("Conservas", "Alimentos"),
        "en": ("Foods", "Dairy", "Cold Chain"),
    },
    "Pharma": {
        "de": ("Pharma", "Labor"),
        "no": ("Pharma", "Biotek"),
        "nl": ("Pharma", "Medisch"),
        "fr": ("Pharma", "Santé"),
        "es": ("Farma", "Salud"),
        "it": ("Farmaceutica", "Medicale"),
        "pl": ("Farma", "Medyczna"),
        "pt": ("Farma", "Saúde"),
        "en": ("Pharma", "Life Sciences"),
    },
    "Software": {
        "de": ("Software", "Systeme"),
        "no": ("Data", "Systemer"),
        "nl": ("Software", "Data"),
        "fr": ("Logiciels", "Numérique"),
        "es": ("Software", "Digital"),
        "it": ("Software", "Informatica"),
        "pl": ("Software", "Systemy"),
        "pt": ("Software", "Digital"),
        "en": ("Software", "Systems", "Data"),
    },
    "Fintech": {
        "de": ("Leasing", "Zahlungssysteme"),
        "no": ("Betaling", "Finans"),
        "nl": ("Betalingen", "Lease"),
        "fr": ("Paiements", "Crédit"),
        "es": ("Pagos",),
        "it": ("Pagamenti",),
        "pl": ("Płatności",),
        "pt": ("Pagamentos",),
        "en": ("Payments", "Leasing"),
    },
    "Education": {
        "de": ("Hochschule", "Akademie"),
        "no": ("Høgskole",),
        "nl": ("Hogeschool",),
        "fr": ("École", "Institut"),
        "es": ("Instituto",),
        "it": ("Istituto",),
        "pl": ("Akademia",),
        "pt": ("Instituto",),
        "en": ("College", "Institute"),
    },
    "Business Services": {
        "de": ("Beratung", "Agentur"),
        "no": ("Rådgivning",),
        "nl": ("Advies", "Bureau"),
        "fr": ("Conseil", "Agence"),
        "es": ("Consultores",),
        "it": ("Consulenza",),
        "pl": ("Doradztwo",),
        "pt": ("Consultoria",),
        "en": ("Advisory", "Partners", "Studio"),
    },
}
"""What firms of an industry call themselves, by tongue."""

MAILBOXES: Final = ("postkasten.example", "mailhaven.example", "inboxly.example")
"""Where private addresses live. Real providers are left alone: nobody's demo may ever mail a stranger."""

_LETTERS: Final = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "å": "a", "Å": "A", "ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | {"ı": "i", "İ": "I", "'": "", "’": ""}
)
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def plain(text: str, *, is_german: bool = False) -> str:
    """The text in lower-case ASCII, as people write their names into addresses."""
    if is_german:
        text = text.translate(_GERMAN)
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in text if c.isascii()).lower()


def address(given: str, family: str, domain: str, shape: int, *, is_german: bool = False) -> str:
    """One of the shapes in which firms write addresses: ana.lima@ · alima@ · ana@ · lima.ana@."""
    first = plain(given, is_german=is_german).replace(" ", "")
    last = plain(family, is_german=is_german).replace(" ", "")
    local = (f"{first}.{last}", f"{first[:1]}{last}", f"{first}.{last}", f"{last}.{first}", f"{first}-{last}")[
        shape % 5
    ]
    return f"{local}@{domain}"


def company_name(country: Country, industry: str, rng: Random) -> str:
    """Such as Havnelinje Logistikk."""
    words = TRADE_WORDS[industry]
    return f"{rng.choice(country.stems)} {rng.choice(words.get(country.tongue, words['en']))}"


def domain_of(name: str) -> str:
    """The firm's domain, under `.example`."""
    return plain(name).replace(" ", "-") + ".example"
