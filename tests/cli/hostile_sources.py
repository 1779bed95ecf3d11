"""Writes sources whose every text field is a try at an injection: hostile_sources.py DIRECTORY."""
import json
import os
import sys

TRIES = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "'; DROP TABLE sightings; --",
    "=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "{{7*7}}", "${jndi:ldap://x}", "javascript:alert(3)",
    "\u202eevil\u202c", "\x1b[31mred\x1b[0m", "a\r\nSet-Cookie: x=y", "../../etc/passwd",
]


def main(directory):
    os.makedirs(directory)
    with open(f"{directory}/eve.json", "w", encoding="utf-8") as eve:
        for number, text in enumerate(TRIES):
            eve.write(json.dumps({
                "timestamp": f"2013-03-10T12:{number:02}:00.000000+0000", "event_type": "alert",
                "src_ip": f"8.8.4.{number + 1}", "src_port": 40000 + number,
                "dest_ip": f"240.16.9.{number + 1}", "dest_port": 80, "proto": "TCP",
                "http": {"hostname": text, "url": "/" + text, "http_user_agent": text},
                "alert": {"signature_id": number + 1, "rev": 1, "signature": f"ET TROJAN {text} CnC", "severity": 1,
                          "category": "A Network Trojan was detected",
                          "metadata": {"malware_family": [text], "cve": [text]}},
            }) + "\n")
    with open(f"{directory}/phishing.csv", "w", encoding="utf-8", newline="") as reports:
        reports.write("time,url,brand,ip\r\n")
        for number, text in enumerate(TRIES):
            cell = '"' + text.replace('"', '""').replace("\r\n", " ") + '"'
            reports.write(f"2013-03-11T12:{number:02}:00Z,http://login{number}.example/{number},{cell},8.8.8.{number + 1}\r\n")
    with open(f"{directory}/access.log", "w", encoding="utf-8", newline="") as log:
        for number, text in enumerate(TRIES):
            plain = text.replace('"', "\\\"").replace("\r\n", " ")
            log.write(f"www.hostile{number}.gov.example:80 8.8.5.{number + 1} - - [12/Mar/2013:12:{number:02}:00 +0000] "
                      f"\"GET /index.php?id=1%27%20UNION%20SELECT%201,2--&x={plain.replace(' ', '%20')} HTTP/1.1\" 200 512 "
                      f"\"-\" \"{plain}\"\n")


main(sys.argv[1])
