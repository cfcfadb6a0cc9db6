// How the search ranks: a heading that is the question comes first, guides before records of decisions.
var Scorer = { // eslint-disable-line no-var
  score: ([page, title, , , score]) => {
    const asked = (new URLSearchParams(location.search).get("q") || "").toLowerCase().trim();
    const says = asked && title.toLowerCase().includes(asked) ? 30 : 0;
    const guide = /^how-to/.test(page) ? 5 : /^(explanation|errors|common-mistakes|checking|compiled|live)/.test(page) ? 4 : /^glossary/.test(page) ? 7 : /^(adr|changelog|benchmarks)/.test(page) ? -6 : 0;
    return score + says + guide;
  },
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};
