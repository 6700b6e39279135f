#!/usr/bin/env python3
"""Checks what recvault hands out, without recvault: this file, Python 3.9, openssl, ssh-keygen.

  verify.py ledger FOLDER VKEY              a copied ledger: every event, every hash, the signature
  verify.py inclusion PROOF EVENT VKEY      that the event in the file EVENT is in the signed log
  verify.py consistency FOLDER OLD NEW VKEY that the log of checkpoint NEW begins with that of OLD
  verify.py statement FILE SIGNATURE ALLOWED_SIGNERS IDENTITY NAMESPACE     that a person signed it
  verify.py excerpt FILE CHUNKS EVENT       that FILE has parts of the original of EVENT, and no more

VKEY is the log's public key as the office handed it out: name+id+base64. With --witness VKEY, also
that this witness has seen the checkpoint, and when. The last line is the verdict; exit 0 or 1.

The log is a Merkle tree (RFC 6962): the hash of an event is SHA-256(00, event), that of a node
SHA-256(01, left, right). Files, names and texts are those of c2sp.org/tlog-tiles, signed-note,
tlog-cosignature and tlog-proof. A tile is 256 hashes: level 0 are those of events, each higher
level those of tiles. A bundle is 256 events, `tail` the bundle that is not full yet, N.p/W a part
of W hashes or events only, as a checkpoint needs it. Events are counted from 0.
"""
import argparse, base64, bisect, datetime, hashlib, os, pathlib, re, subprocess, sys, tempfile

WIDTH, EVENT_BYTES_MOST, CHUNK = 256, 48 * 1024, 256 * 1024
NUMBER, HASH, HEX = "(?:0|[1-9][0-9]{0,18})", "[A-Za-z0-9+/]{43}=", "[0-9a-f]{64}"

def need(holds, sentence):
    if not holds:
        raise ValueError(sentence)

def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def root_of(hashes):
    """The root over these hashes, joined in pairs; one without a partner goes up as it is."""
    while len(hashes) > 1:
        pairs = [sha(b"\1", left, right) for left, right in zip(hashes[::2], hashes[1::2])]
        hashes = pairs + hashes[2 * len(pairs):]
    return hashes[0] if hashes else sha()

def root_of_path(index, size, result, path):
    """Where an inclusion path leads (RFC 9162, section 2.1.3.2)."""
    need(index < size, f"a log of {size} events has no event {index}")
    at, last = index, size - 1
    for step in path:
        need(last > 0, "the path has too many hashes for a log of this size")
        result = sha(b"\1", *((step, result) if at & 1 or at == last else (result, step)))
        while at == last and at and not at & 1:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    need(last == 0, "the path has too few hashes for a log of this size")
    return result

def unbase64(text, what, length=None):
    raw = base64.b64decode(text.encode())
    need(base64.b64encode(raw).decode() == text and length in (None, len(raw)), f"{what} is not its base64")
    return raw

class Note:
    """A signed text. Nobody is believed before `signed_by`."""
    def __init__(self, raw, what):
        whole = raw.decode("utf-8")
        need("\n\n" in whole[:-1] and whole.endswith("\n")
             and not re.search("[\x00-\x09\x0b-\x1f]", whole), f"{what} is not a signed note")
        text, _, lines = whole[:-1].rpartition("\n\n")
        self.what, self.text, self.signatures = what, text + "\n", []
        for line in lines.split("\n"):
            parts = re.fullmatch(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)", line)
            need(parts, f"{what}: this is not a signature: {line!r}")
            raw = unbase64(parts[2], f"a signature of {what}")
            self.signatures.append((parts[1], raw[:4], raw[4:]))

    def signed_by(self, vkey):
        """The dates of this key's signatures (None for a log's); all of them must be right."""
        name, key_id, key = (vkey.split("+", 2) + ["", ""])[:3]
        key = unbase64(key, f"the key in '{vkey}'", 33)
        full_id = sha(name.encode(), b"\n", key)
        need(key[0] in (1, 4) and full_id[:4].hex() == key_id, f"'{vkey}' is not a verifier key")
        dates = []
        for signature in [s for n, i, s in self.signatures if (n, i) == (name, full_id[:4])]:
            message, date = self.text.encode(), None
            if key[0] == 4:  # a witness signs the date with the text
                date, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {date}\n".encode() + message
            need(ed25519(key[1:], message, signature),
                 f"{self.what}: the signature of '{name}' is not of this text")
            dates.append(date)
        need(dates, f"{self.what} is not signed by '{name}' with this key")
        return dates

def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)

def ed25519(key, message, signature):
    """Whether openssl accepts the signature."""
    public = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + key).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n".encode()
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("key", pem), ("message", message), ("signature", signature)):
            pathlib.Path(folder, name).write_bytes(content)
        return run("openssl pkeyutl -verify -pubin -inkey key -rawin -in message -sigfile signature"
                   .split(), cwd=folder).returncode == 0

def checkpoint_in(raw, what, options):
    """Size and root that the log's key has signed."""
    note = Note(raw, what)
    note.signed_by(options.vkey)
    said = re.fullmatch(f"(.+)\n({NUMBER})\n({HASH})\n(?:.+\n)*", note.text)
    need(said, f"{what} is not a checkpoint")
    need(said[1] == options.vkey.split("+")[0], f"{what} is of another log: {said[1]}")
    size, root = int(said[2]), unbase64(said[3], "the root", 32)
    print(f"signed:   {what}, {size} events, root {root.hex()}, by {said[1]}")
    for vkey in options.witness:
        for seconds in note.signed_by(vkey):
            date = datetime.timedelta(seconds=seconds % 2**37) + datetime.datetime(1970, 1, 1)
            print(f"cosigned: {what}, by {vkey.split('+')[0]}, {date} UTC")
    return size, root

def read(*path):
    return pathlib.Path(*path).read_bytes()

def name_of(kind, index, width=WIDTH):
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    path = re.sub("(...)(?=.)", r"x\1/", digits)
    return f"tile/{kind}/{path}" + (f".p/{width}" if width < WIDTH else "")

class Folder:
    """The hashes of all events, and of all full tiles, computed from the events alone."""
    def __init__(self, folder):
        self.folder, self.bundles, leaves = folder, 0, []
        while self.has(name_of("entries", self.bundles)):
            leaves += self.leaves(name_of("entries", self.bundles), len(leaves), WIDTH)
            self.bundles += 1
        leaves += self.leaves("tail", len(leaves)) if self.has("tail") else []
        self.size, self.levels = len(leaves), [leaves]
        need(self.size <= (self.bundles + 1) * WIDTH, f"tail has more than {WIDTH} events")
        while len(self.levels[-1]) >= WIDTH:
            below, ends = self.levels[-1], range(WIDTH, len(self.levels[-1]) + 1, WIDTH)
            self.levels.append([root_of(below[end - WIDTH:end]) for end in ends])

    def has(self, name):
        return os.path.lexists(os.path.join(self.folder, name))

    def leaves(self, name, number, count=None):
        """The hashes of the events in a bundle or tail, each behind its length in two bytes."""
        found, at, bundle = [], 0, read(self.folder, name)
        while at < len(bundle):
            length = int.from_bytes(bundle[at:at + 2], "big")
            event = bundle[at + 2:at + 2 + length]
            need(0 < length == len(event) <= EVENT_BYTES_MOST and b"\n" not in event,
                 f"{name}: what stands in the place of event {number + len(found)} is not an event")
            found.append(sha(b"\0", event))
            at += 2 + length
        need(count in (None, len(found)), f"{name} has {len(found)} events, not {count}")
        return found

    def check(self, signed):
        """Every file against the events, and that none is missing or too many."""
        for level in range(len(self.levels)):
            index, width = divmod(signed >> 8 * level, WIDTH)
            parts = [(kind, index, width) for kind in ([level] if level else [0, "entries"]) if width]
            for kind, index, width in [(level, n, WIDTH) for n in range(self.bundles >> 8 * level)] + parts:
                need(self.has(name_of(kind, index, width)) or self.has(name_of(kind, index)),
                     f"{name_of(kind, index, width)} is missing")
        for at, _, files in os.walk(os.path.join(self.folder, "tile")):
            for file in files:
                self.check_file(os.path.relpath(os.path.join(at, file), self.folder))

    def check_file(self, name):
        parts = re.fullmatch(r"tile/(entries|[0-7])/([x0-9/]+)(?:\.p/([0-9]{1,3}))?", name)
        need(parts and not os.path.islink(os.path.join(self.folder, name)), f"{name} is no file of a log")
        kind, index, width = parts[1], int(re.sub("[x/]", "", parts[2])), int(parts[3] or WIDTH)
        need(name == name_of(kind, index, width) and width > 0, f"{name} is no file of a log")
        level, begin = 0 if kind == "entries" else int(kind), index * WIDTH
        wanted = self.levels[level][begin:begin + width] if level < len(self.levels) else []
        need(len(wanted) == width and (kind != "entries" or width < WIDTH or index < self.bundles),
             f"{name} lies beyond the end of the log, or {name_of('entries', self.bundles)} is missing")
        raw = read(self.folder, name)
        found = [raw[at:at + 32] for at in range(0, len(raw), 32)]
        if kind == "entries":  # a full one was the first to be read
            found = wanted if width == WIDTH else self.leaves(name, begin, width)
        first = next((n for n in range(width) if found[n:n + 1] != wanted[n:n + 1]), width)
        number = f"{(begin + first) << 8 * level}{' or one of those after it' if level else ''}"
        need(found == wanted, f"{name} and event {number} do not fit: one was changed")

def ledger(options):
    size, root = checkpoint_in(read(options.folder, "checkpoint"), "checkpoint", options)
    folder = Folder(options.folder)
    need(folder.size >= size, f"the log has {folder.size} events, but {size} were signed")
    folder.check(size)
    need(root_of(folder.levels[0][:size]) == root, f"the signed root is not that of the first {size} events")
    return f"{size} events are those that were signed; {folder.size - size} more are not signed yet"

def inclusion(options):
    head, _, note = read(options.proof).partition(b"\n\n")
    said = re.fullmatch(f"c2sp[.]org/tlog-proof@v1(?:\nextra (.*))?\nindex ({NUMBER})((?:\n{HASH})*)",
                        head.decode())
    need(said, "this is not a proof file")
    unbase64(said[1] or "", "the extra")
    index, path = int(said[2]), [unbase64(line, "the path", 32) for line in said[3].split()]
    size, root = checkpoint_in(note, "the proof's checkpoint", options)
    event = sha(b"\0", read(options.event).removesuffix(b"\n"))
    place = f"event {index} of the {size} events that were signed"
    need(root_of_path(index, size, event, path) == root, f"this is not {place}")
    return f"this is {place}"

def consistency(options):
    old, new = (checkpoint_in(read(path), path, options) for path in (options.old, options.new))
    need(old[0] <= new[0], f"the new checkpoint has {new[0]} events, fewer than the {old[0]} of the old")
    folder = Folder(options.folder)
    for size, root in (old, new):
        need(folder.size >= size and root_of(folder.levels[0][:size]) == root,
             f"the {size} events that were signed are not the first {size} of the folder's {folder.size}")
    return f"the {new[0]} events begin with the {old[0]} of before: nothing was changed or taken out"

def statement(options):
    said = run(["ssh-keygen", "-Y", "verify", "-f", options.allowed_signers, "-I", options.identity,
                "-n", options.namespace, "-s", options.signature], input=read(options.file))
    need(said.returncode == 0, f"ssh-keygen does not accept it: {said.stdout.decode().strip()}")
    return said.stdout.decode().strip()

def excerpt(options):
    event, text = read(options.event).decode(), read(options.chunks).decode()
    logged = re.fullmatch(f'{{"at":{NUMBER},"body":{{.*"bytes":({NUMBER}),"chunk_root":"({HEX})",'
                          f'"digest":"({HEX})",.*}},"by":{{"uid":{NUMBER}}},"kind":"recording[.]admitted",'
                          f'"n":{NUMBER},"prev":"{HEX}","v":{NUMBER}}}\n?', event)
    said = re.fullmatch(f"recvault chunk proof v1\nbytes ({NUMBER})\nfiller (zero|null-packets)\n"
                        f"chunks ({NUMBER}-{NUMBER}(?:,{NUMBER}-{NUMBER})*)\n((?:{HEX}\n)*)", text)
    need(said and logged and event.count('"body":') == event.count('"chunk_root":') == 1,
         "there is no chunk proof, or no admission")
    size, hashes = int(said[1]), [bytes.fromhex(line) for line in said[4].split()]
    ends = [int(end) for end in re.split("[-,]", said[3])]
    need(size == int(logged[1]) == os.path.getsize(options.file), "its length is not that of the original")
    need(ends == sorted(set(ends)) and ends[-1] <= -(-size // CHUNK) and len(ends) <= 1024,
         "the chunks are not in their order")
    shown = [n for begin, end in zip(ends[::2], ends[1::2]) for n in range(begin, end)]
    blank = bytes(CHUNK + 188) if said[2] == "zero" else (b"\x47\x1f\xff\x10" + b"\xff" * 184) * 1396
    leaves, listed = [], set(shown)
    with open(options.file, "rb") as file:
        for n, chunk in enumerate(iter(lambda: file.read(CHUNK), b"")):
            need(n in listed or chunk == blank[n * CHUNK % 188:][:len(chunk)],
                 f"something stands in chunk {n}, of which nothing is disclosed")
            leaves.append(sha(b"\0", chunk))
    def root(begin, end):  # of what is hidden, the next hash
        if bisect.bisect_left(shown, begin) == bisect.bisect_left(shown, end):
            need(hashes, "the chunk proof has too few hashes")
            return hashes.pop(0)
        middle = begin + (1 << (end - begin - 1).bit_length() >> 1)
        return leaves[begin] if end - begin == 1 else sha(b"\1", root(begin, middle), root(middle, end))
    need(root(0, len(leaves)).hex() == logged[2] and not hashes, "what it discloses is not the original's")
    return f"{len(shown)} of the {len(leaves)} chunks of original {logged[3]}, and no more"

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="command")
    for function, names in ((ledger, "folder vkey"), (inclusion, "proof event vkey"),
                            (consistency, "folder old new vkey"), (excerpt, "file chunks event"),
                            (statement, "file signature allowed_signers identity namespace")):
        command = commands.add_parser(function.__name__)
        command.set_defaults(function=function)
        for name in names.split():
            command.add_argument(name)
        command.add_argument("--witness", metavar="VKEY", action="append", default=[])
    options = parser.parse_args()
    try:
        print(f"VERIFIED: {options.function(options)}")
    except (ValueError, OSError) as error:
        print("NOT VERIFIED:", " ".join(str(error).split()))
        sys.exit(1)

if __name__ == "__main__":
    main()
