"""The passwords that are tried first: well-known lists, of what is long enough to be taken."""

from __future__ import annotations

COMMON_PASSWORDS = frozenset(
    """
    0123456789 11223344 123123123 123321123 12341234 12344321 123454321 12345678 123456789
    1234567890 1234567890a 123456789a 123456789q 12345678a 1234567a 123456abc 123456qwe 12345qwert
    1234qwer 123qwe123 123qweasd 147258369 147852369 159357456 159753456 1q2w3e4r 1q2w3e4r5t
    1qaz2wsx 1qaz2wsx3edc 741852963 789456123 87654321 987456321 987654321 9876543210 a1234567
    a12345678 a123456789 a1b2c3d4 aa123456 aa12345678 abc12345 abc123456 abcd1234 abcdefg1
    abcdefgh admin123 admin1234 admin12345 admin@123 adminadmin administrator alexander alexandra
    apogee-idp apogee123 apogee1234 apogeeidp arsenal1 asd123456 asdf1234 asdfghjk asdfghjkl
    autumn2024 autumn2025 autumn2026 azertyui azertyuiop barcelona baseball baseball1 basketball
    batman123 beautiful blessed1 blessing blink182 butterfly caroline changeit changeme changeme1
    changeme123 charlie1 cheese123 chelsea1 chocolate chocolate1 christian christopher computer
    computer1 corvette danielle danielle1 december default1 dragon123 dropbox1 elizabeth facebook
    facebook1 february ferrari1 football football1 freedom1 freedom123 google123 greenday guest123
    harley123 hello123 hello1234 helloworld hunter22 iloveu123 iloveyou iloveyou1 iloveyou2
    internet internet1 isabella january1 jennifer jennifer1 jesus123 jesuschrist jonathan jordan23
    juventus killer123 kubernetes letmein! letmein1 letmein123 linkedin linkedin1 liverpool
    liverpool1 login123 master123 maverick mercedes metallica michael1 michelle michelle1
    microsoft midnight mongodb1 monkey123 mountain mustang1 mypassword myspace1 newpassword
    nirvana1 november oracle123 p455w0rd p@ssw0rd p@ssword pa$$word pass1234 pass12345 pass123456
    passw0rd passwd123 password password! password00 password01 password1 password12 password123
    password1234 passwort passwort1 passwort123 pokemon123 porsche1 postgres postgres1 precious
    princess princess1 q1234567 q12345678 q1w2e3r4 q1w2e3r4t5 qazwsxedc qwe123456 qweasd123
    qweasdzxc qwer1234 qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop qwertzui qwertzuiop
    root1234 rootroot samantha samsung1 samsung123 secret12 secret123 september shadow123 slipknot
    spring2024 spring2025 spring2026 starwars starwars1 summer2020 summer2021 summer2022
    summer2023 summer2024 summer2025 summer2026 sunshine sunshine1 superman superman1 temp1234
    temppass test1234 test12345 testing1 testing123 testtest toor1234 topsecret trustno1 user1234
    username valentina veronica victoria welcome! welcome1 welcome12 welcome123 whatever whatever1
    windows1 windows10 winter2020 winter2021 winter2022 winter2023 winter2024 winter2025
    winter2026 yxcvbnm1 zaq12wsx zaq1zaq1 zxc123456 zxcvbnm1 zxcvbnm123
    """.split()  # noqa: SIM905 - a list that people read
)
"""In lower case."""
