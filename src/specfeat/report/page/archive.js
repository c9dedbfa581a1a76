// A ZIP archive without compression, for exports of several files (PKWARE, APPNOTE.TXT 6.3).

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function computeCrc(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 255];
  return (crc ^ 0xffffffff) >>> 0;
}

// Returns a Blob with the files; each is [name, text].
function makeArchive(entries) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let place = 0;
  for (const [name, text] of entries) {
    const nameBytes = encoder.encode(name);
    const content = encoder.encode(text);
    const facts = makeArchiveFacts(nameBytes.length, content);
    parts.push(joinBytes([[0x50, 0x4b, 3, 4], facts, nameBytes]), content);
    const offset = new DataView(new ArrayBuffer(14)); // no comment, disk 0, no attributes, place of the file
    offset.setUint32(10, place, true);
    directory.push(joinBytes([[0x50, 0x4b, 1, 2, 20, 0], facts, new Uint8Array(offset.buffer), nameBytes]));
    place += 30 + nameBytes.length + content.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, place, true);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

// The part that the two headers of a file have in common: version 2.0, names in UTF-8, stored, 1980-01-01.
function makeArchiveFacts(nameLength, content) {
  const facts = new DataView(new ArrayBuffer(26));
  facts.setUint16(0, 20, true);
  facts.setUint16(2, 0x0800, true);
  facts.setUint16(8, 0x0021, true);
  facts.setUint32(10, computeCrc(content), true);
  facts.setUint32(14, content.length, true);
  facts.setUint32(18, content.length, true);
  facts.setUint16(22, nameLength, true);
  return new Uint8Array(facts.buffer);
}

function joinBytes(parts) {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
