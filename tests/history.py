#!/usr/bin/env python3
"""Was every removal that a ledger tells of lawful? A second opinion that shares no code with recvault.

It reads folders, one name a line, each a copy of a `ledger/`, and answers with a line of JSON each:
what is wrong, as sentences. It goes by the events alone and the calendar of `oracle.py`: dates,
holds, clauses and approvals are reckoned anew, and nothing that recvault reckoned is believed but
the time that it stamped.

Where `truth.json` lies beside the events, it says what only the test can know:

    {"truth": [[12, 1768442400000], ...], "all_due_are_gone": true}

what time it truly was when the events before the 12th were written, and whether the history ends
in nights under a clock that was right.
"""

import hashlib
import json
import os
import sys

from oracle import DAY_MS, end_of, local_day, months_on

# A clock may be wrong by so much before people have to be asked.
ALLOWED_MS = 7 * DAY_MS


def events_of(folder):
    """The full bundles, then the tail: every event behind its length in two bytes."""
    bundles = []
    for at, _, files in os.walk(os.path.join(folder, "tile", "entries")):
        bundles += [os.path.join(at, file) for file in files if not at.endswith(".p")]
    for path in sorted(bundles) + [os.path.join(folder, "tail")]:
        if not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            raw = file.read()
        at = 0
        while at < len(raw):
            length = int.from_bytes(raw[at:at + 2], "big")
            yield json.loads(raw[at + 2:at + 2 + length])
            at += 2 + length


class Recording:
    def __init__(self):
        self.ingests = []   # (as stamped, number of policies adopted by then)
        self.truly = []     # when that truly was
        self.ends = []      # (recorded end that was believed, policies adopted when it no longer was)
        self.open = False   # nothing but people can let it go
        self.clauses = {}   # clause: when its lowering was ordered, or None
        self.holds = set()
        self.gone = self.doomed = False


class History:
    def __init__(self, folder):
        self.folder, self.wrong = folder, []
        self.policies, self.recordings, self.plans, self.newest = [], {}, {}, None
        self.corrections, self.agreed = [], {}
        self.truth, self.all_due_are_gone = [], False
        path = os.path.join(folder, "truth.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                told = json.load(file)
            self.truth, self.all_due_are_gone = told["truth"], told["all_due_are_gone"]

    def zone(self):
        return self.policies[0]["zone"]

    def truly(self, n):
        return next((at for before, at in self.truth if n < before), None)

    def latest(self, stamped):
        """The latest that it can have been when that was stamped."""
        for to, by in self.corrections:
            if stamped < to:
                stamped = min(stamped + by, to)
        return stamped

    def last_of_keeping(self, recording):
        """The last millisecond of keeping, holds aside; None where that is open."""
        if recording.open:
            return None
        newest, last = max(at for at, _ in recording.ingests), 0
        for stamped, policies in recording.ingests:
            at = self.latest(stamped) if stamped == newest else stamped
            # Every policy that was in force at or after it promised a date, and kept it.
            for n, policy in enumerate(self.policies):
                if n < policies - 1:
                    continue
                start = max([at] + [end for end, to in recording.ends if to is None or n < to])
                day = months_on(local_day(self.zone(), start), policy["keep_months"])
                last = max(last, end_of(self.zone(), day))
        for ordered in recording.clauses.values():
            if ordered is None:
                return None
            at, delay = ordered
            last = max(last, end_of(self.zone(), local_day(self.zone(), self.latest(at)) + delay))
        return last

    def least_by_law(self, recording):
        """The regulation's three months by the true time; None where the truth was not told."""
        if None in recording.truly:
            return None
        start = max(recording.truly + [end for end, to in recording.ends if to is None])
        return end_of(self.zone(), months_on(local_day(self.zone(), start), 3))

    def take(self, event):
        n, kind, body, at = event["n"], event["kind"], event["body"], event["at"]
        recording = self.recordings.get(body.get("id"))
        if kind == "store.created":
            self.policies.append(body["policy"])
        elif kind == "policy.adopted":
            self.policies.append(body["policy"])
            self.need_agreed(n, body["statement"], 2, "kind: policy")
        elif kind == "recording.admitted":
            recording = self.recordings[body["id"]] = Recording()
            self.attributed(recording, body)
            recording.open |= body["state"] != "kept"
            recording.ingests.append((at, len(self.policies)))
            recording.truly.append(self.truly(n))
        elif kind == "recording.sighted":
            recording.ingests.append((at, len(self.policies)))
            recording.truly.append(self.truly(n))
        elif kind == "recording.corrected":
            self.need_agreed(n, body["statement"], 2, ("kind: attribution", "kind: time"), body["id"])
            self.attributed(recording, body)
        elif kind == "recording.classified":
            recording.clauses[body["raising"]["clause"]] = None
        elif kind == "recording.lowered":
            clause = body["lowering"]["clause"]
            if clause not in recording.clauses:
                self.wrong.append(f"event {n} lowers a clause that does not stand")
            self.need_agreed(n, body["statement"], 1, "kind: class-lower", body["id"])
            recording.clauses[clause] = (at, self.policies[-1]["lowering_delay_days"])
        elif kind == "hold.placed":
            recording.holds.add(body["hold"]["number"])
        elif kind == "hold.released":
            recording.holds.discard(body["number"])
            number = f"hold: {body['number']}\n"
            self.need_agreed(n, body["statement"], 1, "kind: hold-release", body["id"], number)
        elif kind == "statement.accepted":
            people = min(len(set(body["signatures"])), len(set(body["people"])))
            digest = hashlib.sha256(body["statement"].encode()).hexdigest()
            if digest in self.agreed:
                self.wrong.append(f"event {n} is a statement that was used before")
            self.agreed[digest] = (body["statement"], people)
        elif kind == "clock.confirmed":
            if body["behind_ms"] > 0:
                self.corrections.append((body["at"], body["behind_ms"]))
            self.need_agreed(n, body["statement"], 2, "kind: clock")
        elif kind == "clock.witnessed":
            if body["behind_ms"] > 0:
                self.corrections.append((body["at"], body["behind_ms"]))
        elif kind == "disposal.planned":
            with open(os.path.join(self.folder, "blobs", body["blob"]), "rb") as file:
                raw = file.read()
            if hashlib.sha256(raw).hexdigest() != body["blob"]:
                self.wrong.append(f"the blob of event {n} is another")
            items = {item["id"] for item in json.loads(raw)["items"]}
            self.newest = body["root"]
            self.plans[self.newest] = {"items": items, "made": at, "approved": None}
        elif kind == "disposal.approved":
            plan = self.plans[body["approval"]["root"]]
            plan["approved"], plan["not_before"] = at, body["approval"]["not_before"]
            plan["grace"] = self.policies[-1]["grace_days"]
            root = body["approval"]["root"]
            self.need_agreed(n, body["approval"]["statement"], 1, "kind: plan", root)
        elif kind == "recording.doomed":
            self.doomed(n, recording, body)
        elif kind == "recording.disposed":
            if not recording.doomed:
                self.wrong.append(f"event {n}: {body['id']} is gone without a tombstone")
            recording.gone = True

    def attributed(self, recording, body):
        """Whose it is, by an admission or a correction."""
        who, found = body["attribution"], {finding["kind"] for finding in body["findings"]}
        known = all(who.get(part) for part in ("device", "officer", "started_at"))
        recording.open = not known or bool(found & {"clock.suspect", "attribution.unknown"})
        now = len(self.policies)
        recording.ends = [(end, now if to is None else to) for end, to in recording.ends]
        end = who.get("ended_at")
        if end and "clock.suspect" not in found:
            recording.ends.append((end["value"], None))

    def need_agreed(self, n, statement, least, *words):
        """So many people must have signed the statement, and it must say these words (of several
        that stand for each other, one)."""
        text, people = self.agreed.get(statement, ("", 0))
        ways = [word if isinstance(word, tuple) else (word,) for word in words]
        if people < least or not all(any(w in text for w in way) for way in ways):
            self.wrong.append(f"event {n} needs {least} people who signed {words}, and has {people}")

    def doomed(self, n, recording, body):
        say = lambda why: self.wrong.append(f"event {n}: {body['id']} was removed {why}")
        recording.doomed, judged = True, body["judged"]
        plan = self.plans.get(body["plan"])
        if plan is None or body["plan"] != self.newest or body["id"] not in plan["items"]:
            say("and does not stand in the newest plan")
        elif plan["approved"] is None:
            say("by a plan that nobody approved")
        else:
            approved = self.latest(plan["approved"])
            if judged <= end_of(self.zone(), local_day(self.zone(), approved) + plan["grace"]):
                say("within the grace of its approval")
            if judged < plan["not_before"]:
                say("before the day that was signed")
        if recording.holds:
            say(f"under hold {min(recording.holds)}")
        last = self.last_of_keeping(recording)
        if last is None:
            say("although it has no date")
        elif judged <= last:
            say(f"{last - judged} ms before its date")
        law, now = self.least_by_law(recording), self.truly(n)
        if law is not None and now + ALLOWED_MS <= law:
            say(f"{law - now} ms of true time before the regulation allows")

    def finish(self):
        if not self.all_due_are_gone:
            return
        plan = self.plans.get(self.newest)
        for name, recording in self.recordings.items():
            last = self.last_of_keeping(recording)
            due = plan and last is not None and last < plan["made"] and not recording.holds
            if due and not recording.gone:
                self.wrong.append(f"{name} was due when the last plan was made, and is still there")


def main():
    for line in sys.stdin:
        history, count, gone = History(line.strip()), 0, 0
        try:
            for event in events_of(history.folder):
                if event["n"] != count:
                    history.wrong.append(f"event {event['n']} stands where {count} belongs")
                history.take(event)
                count += 1
                gone += event["kind"] == "recording.disposed"
            history.finish()
        except Exception as error:  # a history that cannot be read is no lawful one
            history.wrong.append(f"after {count} events: {error!r}")
        print(json.dumps({"wrong": history.wrong, "events": count, "gone": gone}), flush=True)


if __name__ == "__main__":
    main()
