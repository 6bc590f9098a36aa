"""Names of people who do not exist, plain ASCII so that they also make an e-mail address."""

GIVEN_NAMES = (
    "Ada", "Aiko", "Amara", "Anders", "Asha", "Bela", "Bruno", "Carmen", "Chidi", "Cora", "Dalia", "Diego", "Dina",
    "Emil", "Esra", "Farah", "Felix", "Freya", "Grace", "Hana", "Hugo", "Ibrahim", "Ines", "Ivan", "Jonas", "Jun",
    "Kaia", "Kofi", "Lena", "Leo", "Lucia", "Malik", "Mara", "Mateo", "Mei", "Mina", "Nadia", "Noah", "Nora", "Olga",
    "Omar", "Owen", "Paulo", "Priya", "Ravi", "Rosa", "Ruth", "Samir", "Sofia", "Tariq", "Tess", "Theo", "Uma",
    "Victor", "Wanda", "Yara", "Yusuf", "Zoe",
)  # fmt: skip
FAMILY_NAMES = (
    "Abebe", "Adler", "Ahmadi", "Almeida", "Andersen", "Baker", "Bianchi", "Bondar", "Castillo", "Chen", "Cohen",
    "Costa", "Dahl", "Diaz", "Dubois", "Eriksen", "Farouk", "Fischer", "Fofana", "Fraser", "Garcia", "Gomez", "Grant",
    "Haddad", "Hansen", "Hayes", "Ibarra", "Ito", "Jansen", "Kaur", "Keller", "Khan", "Kim", "Kovac", "Larsen", "Lopez",
    "Marsh", "Mbeki", "Moreau", "Nakamura", "Nguyen", "Novak", "Okafor", "Olsen", "Ortiz", "Park", "Patel", "Petrov",
    "Quinn", "Rahman", "Reyes", "Rossi", "Sato", "Schmidt", "Silva", "Singh", "Stone", "Tanaka", "Toure", "Vargas",
    "Walsh", "Weber", "Yilmaz", "Young",
)  # fmt: skip
