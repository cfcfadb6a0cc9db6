// Numbers as the library prints them: four significant digits, a tie to the even digit, a true minus.

function digitsOf(x, digits) {  // x finite and not 0: its digits, and the exponent of the first one
  const size = Math.abs(x), [rounded, power] = size.toExponential(digits - 1).split("e");
  if (Number(size.toExponential(digits)) !== size) return [rounded.replace(".", ""), Number(power)];  // no tie
  const [mantissa, exponent] = Math.abs(x).toExponential(60).split("e"), all = mantissa.replace(".", "");
  let kept = all.slice(0, digits), e = Number(exponent);
  const rest = all.slice(digits), tie = /^50*$/.test(rest);
  if (tie ? Number(kept[digits - 1]) % 2 : rest[0] >= "5") {
    kept = String(BigInt(kept) + 1n);
    if (kept.length > digits) {
      kept = kept.slice(0, digits);
      e += 1;
    }
  }
  return [kept, e];
}

function general(x, digits = 4) {  // as Python's format "g"
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  if (x === 0) return "0";
  const [kept, e] = digitsOf(x, digits), sign = x < 0 ? "-" : "";
  const trimmed = (whole, rest) => (rest.replace(/0+$/, "") ? `${whole}.${rest.replace(/0+$/, "")}` : whole);
  if (e < -4 || e >= digits) return `${sign}${trimmed(kept[0], kept.slice(1))}e${e}`;
  if (e >= 0) return sign + trimmed(kept.slice(0, e + 1), kept.slice(e + 1));
  return sign + trimmed("0", "0".repeat(-e - 1) + kept);
}

// A number that would be printed as 1 but differs is written with the difference; -0 is 0.
function shownNumber(x, digits = 4) {
  if (x === 0) return "0";
  const text = general(x, digits), whole = text === "1" ? 1 : text === "-1" ? -1 : 0, rest = whole ? Math.abs(x) - 1 : 0;
  if (Math.abs(rest) <= 2 ** -50) return text;  // the difference is rounding
  return `${text} ${rest > 0 === whole > 0 ? "+" : "-"} ${general(Math.abs(rest), Math.max(digits - 2, 1))}`;
}
const MOST_KEPT = 4000, keptTexts = new Map();  // a change formats most numbers several times, and the previous ones again
function numberText(x, digits = 4) {
  if (digits !== 4) return shownNumber(x, digits).replaceAll("-", "−");
  let text = keptTexts.get(x);
  if (text === undefined) {
    if (keptTexts.size >= MOST_KEPT) keptTexts.clear();
    keptTexts.set(x, text = shownNumber(x).replaceAll("-", "−"));
  }
  return text;
}

// The number as it reads when printed.
function asRead(x, digits) {
  const [one, sign, rest] = shownNumber(x, digits).split(" "), value = /n/.test(one) ? asNumber(one) : Number(one);
  return rest ? value + Number(sign + rest) : value;
}

function percent(share) {
  if (Number.isNaN(share)) return "–";
  const exact = share * 100, low = Math.floor(exact);
  return `${exact - low > 0.5 || (exact - low === 0.5 && low % 2) ? low + 1 : low} %`;
}

// A number as a reader types it; null where it is none.
function typed(text) {
  const plain = text.trim().replaceAll("−", "-").replace(/^([+-]?)(∞|infinity)$/i, "$1inf");
  if (/^[+-]?inf$/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(plain)) return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : null;
}

function frexp(x) {  // x >= 0 as mantissa in [0.5, 1) and exponent
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  if (x < 2 ** -1000) {
    const [m, e] = frexp(x * 2 ** 128);
    return [m, e - 128];
  }
  let e = Math.floor(Math.log2(x)) + 1, m = x / 2 ** (e - 1) / 2;
  if (m < 0.5) [m, e] = [m * 2, e - 1];
  else if (m >= 1) [m, e] = [m / 2, e + 1];
  return [m, e];
}

function ldexp(m, e) {  // rounded once, for mantissas below 1
  if (e > 1023) return m * 2 ** 1023 * 2 ** Math.min(e - 1023, 1023);
  return e < -900 ? (e < -1800 ? 0 : (m * 2 ** (e + 900)) * 2 ** -900) : m * 2 ** e;
}

// Bounds for a curve that is the same number everywhere, however large that is.
const around = (x) => [x - Math.max(1, Math.abs(x) / 4), x + Math.max(1, Math.abs(x) / 4)];
