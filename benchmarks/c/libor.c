/* LIBOR market model: 15 swaptions and the deltas of all rates, means over N paths, eight side by side.
   arrays: rates, shocks (MATURITY, N), value, gradient */
#include <math.h>

#define LANES 8
#define RATES (2 * MATURITY)
#define EACH for (int l = 0; l < LANES; l++)

__attribute__((__simd__("notinbranch"))) double exp(double);

typedef double lanes[LANES];

static const int length[15] = {4, 4, 4, 8, 8, 8, 20, 20, 20, 28, 28, 28, 40, 40, 40};
static const double strike[3] = {.045, .05, .055};

void run(double **arrays)
{
    const double *start = arrays[0], quarter = 0.25, volatility = 0.2, con = quarter * volatility;
    const double(*z)[N] = (void *)arrays[1];
    double *mean = arrays[2], *g = arrays[3], value = 0;
    static lanes rate[MATURITY + 1][RATES], sums[RATES]; /* the rates after each step; the last are those that count */
    for (int i = 0; i < RATES; i++) EACH sums[i][l] = 0;
    for (int path = 0; path < N; path += LANES) {
        static lanes d[RATES], bond[MATURITY], annuity[MATURITY], dbond[MATURITY], dannuity[MATURITY];
        lanes drift, price = {0}, discount, b, a, db, da;
        for (int i = 0; i < RATES; i++) EACH rate[0][i][l] = start[i];
        for (int n = 0; n < MATURITY; n++) {
            EACH drift[l] = 0;
            for (int i = 0; i <= n; i++) EACH rate[n + 1][i][l] = rate[n][i][l];
            for (int i = n + 1; i < RATES; i++) EACH {
                    double old = rate[n][i][l];
                    drift[l] += con * old / (1 + quarter * old);
                    rate[n + 1][i][l] =
                        old * exp(con * drift[l] + volatility * (0.5 * z[n][path + l]) - 0.5 * con * volatility);
                }
        }
        const lanes *last = rate[MATURITY];
        EACH b[l] = 1, a[l] = 0, discount[l] = 1;
        for (int k = 0; k < MATURITY; k++) EACH {
                b[l] /= 1 + quarter * last[MATURITY + k][l];
                a[l] += quarter * b[l];
                bond[k][l] = b[l], annuity[k][l] = a[l], dbond[k][l] = 0, dannuity[k][l] = 0;
                discount[l] /= 1 + quarter * last[k][l];
            }
        for (int j = 0; j < 15; j++) EACH {
                int k = (length[j] < MATURITY ? length[j] : MATURITY) - 1;
                double gain = 1 - bond[k][l] - strike[j % 3] * annuity[k][l], in = gain > 0;
                price[l] += 100 * in * gain;
                dbond[k][l] -= 100 * in;
                dannuity[k][l] -= 100 * in * strike[j % 3];
            }
        EACH db[l] = 0, da[l] = 0, value += price[l] * discount[l];
        for (int k = MATURITY - 1; k >= 0; k--) EACH {
                double factor = 1 / (1 + quarter * last[MATURITY + k][l]);
                da[l] += dannuity[k][l];
                db[l] += dbond[k][l] + quarter * da[l];
                d[MATURITY + k][l] = -quarter * bond[k][l] * factor * db[l] * discount[l];
                db[l] *= factor;
                d[k][l] = -quarter * price[l] * discount[l] / (1 + quarter * last[k][l]);
            }
        for (int n = MATURITY - 1; n >= 0; n--) {
            EACH drift[l] = 0; /* its derivative */
            for (int i = RATES - 1; i > n; i--) EACH {
                    double old = rate[n][i][l], new = rate[n + 1][i][l], by = 1 / (1 + quarter * old);
                    drift[l] += con * d[i][l] * new;
                    d[i][l] = d[i][l] * new / old + drift[l] * con * by * by;
                }
        }
        for (int i = 0; i < RATES; i++) EACH sums[i][l] += d[i][l];
    }
    *mean = value / N;
    for (int i = 0; i < RATES; i++) {
        g[i] = 0;
        EACH g[i] += sums[i][l] / N;
    }
}
