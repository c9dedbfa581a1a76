// Plays the clip of a row with some context, and stops in time by a timer of its own.

const audio = document.getElementById("audio");
const playState = document.getElementById("play-state");
// A browser's own end of a media fragment comes up to a sixth of a second late, so the position is compared here.
const TIMER_MILLISECONDS = 15;

const player = { row: -1, end: 0, offset: 0, timer: 0, address: "", blobAddress: "" };

const getContext = () => Math.min(Math.max(Number(document.getElementById("context").value) || 0, 0), 30);

async function playRow(row) {
  stopPlaying();
  if (row < 0) return;
  player.row = row;
  const context = getContext();
  const source = findSource(row);
  const start = Math.max(arrays.start_s[row] - context - source.offset, 0);
  player.end = arrays.end_s[row] + context - source.offset;
  player.offset = source.offset;
  showPlayState(`Loading ${getShortName(row)}`);
  try {
    await loadSource(source.address);
    if (player.row !== row) return; // another row was played meanwhile
    audio.currentTime = start;
    await audio.play();
    if (player.row !== row) return;
    player.timer = setInterval(checkEnd, TIMER_MILLISECONDS);
    showPlayState(`Playing ${getShortName(row)}, ${formatTimes(row)}`);
  } catch {
    if (player.row === row) reportFailure(row);
  }
}

// The address of the audio of a row, and the time in the file at which it begins.
function findSource(row) {
  const snippet = findSorted(arrays.snippet_rows, row);
  if (snippet < 0) return { address: getFile(row)[1], offset: 0 };
  return { address: makeSnippetAddress(snippet), offset: arrays.snippet_starts_s[snippet] };
}

function loadSource(address) {
  if (player.address === address && audio.readyState >= 1 && !audio.error) return Promise.resolve();
  player.address = address;
  return new Promise((resolve, reject) => {
    audio.onloadedmetadata = () => resolve();
    audio.onerror = () => reject(new Error("the audio cannot be loaded"));
    audio.src = address;
    audio.load();
  });
}

function checkEnd() {
  audio.dataset.lastTime = audio.currentTime;
  if (audio.currentTime >= player.end || audio.ended) stopPlaying();
}

function stopPlaying() {
  clearInterval(player.timer);
  audio.pause();
  if (player.row >= 0) showPlayState(`Stopped at ${formatSeconds(audio.currentTime + player.offset)} s`);
  player.row = -1;
}

function reportFailure(row) {
  player.row = -1;
  player.address = "";
  const problem = getFile(row)[2] || "the browser cannot play it, or it is not there";
  showPlayState(
    `${getFileName(row)} cannot be played: ${problem}. Make the report with --embed-audio N to hear it here.`,
  );
}

function showPlayState(text) {
  playState.textContent = text;
}

// --- snippets inside the page --------------------------------------------------------------------

function makeSnippetAddress(snippet) {
  const begin = snippet ? arrays.snippet_ends[snippet - 1] : 0;
  const samples = arrays.snippet_samples.subarray(begin, arrays.snippet_ends[snippet]);
  if (player.blobAddress) URL.revokeObjectURL(player.blobAddress);
  player.blobAddress = URL.createObjectURL(new Blob([makeWavHeader(samples.length), samples], { type: "audio/wav" }));
  return player.blobAddress;
}

// The header of a WAV file with one channel of 16 bits.
function makeWavHeader(count) {
  const header = new DataView(new ArrayBuffer(44));
  const rate = report.snippets.rate;
  const writeText = (place, text) => [...text].forEach((c, k) => header.setUint8(place + k, c.charCodeAt(0)));
  writeText(0, "RIFF");
  header.setUint32(4, 36 + 2 * count, true);
  writeText(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // channels
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  writeText(36, "data");
  header.setUint32(40, 2 * count, true);
  return header;
}
