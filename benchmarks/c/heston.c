/* Heston's model, a call and its eight derivatives, means over N paths, eight side by side.
   arrays: parameters, shocks (steps, 2, N), value, gradient */
#include <math.h>

#define LANES 8
#define EACH for (int l = 0; l < LANES; l++)

typedef double lanes[LANES];

void run(double **arrays)
{
    const double *p = arrays[0], start = p[0], first = p[1], kappa = p[2], theta = p[3], xi = p[4], rho = p[5], r = p[6],
                 strike = p[7], dt = 1.0 / STEPS, step = sqrt(dt), other = sqrt(1 - rho * rho), discount = exp(-r);
    const double(*z)[2][N] = (void *)arrays[1];
    double *mean = arrays[2], *g = arrays[3], value = 0;
    lanes sums[8] = {0}; /* in the order of the parameters; 0 for S and 7 for K */
    for (int path = 0; path < N; path += LANES) {
        static lanes v[STEPS + 1];
        lanes s, ds, dv, dother = {0};
        EACH s[l] = log(start), v[0][l] = first;
        for (int k = 0; k < STEPS; k++) {
            const double *a = &z[k][0][path], *b = &z[k][1][path];
            EACH {
                double positive = v[k][l] > 0 ? v[k][l] : 0, root = sqrt(positive + 1e-12);
                s[l] += (r - 0.5 * positive) * dt + root * step * a[l];
                v[k + 1][l] = v[k][l] + kappa * (theta - positive) * dt + xi * root * step * (rho * a[l] + other * b[l]);
            }
        }
        EACH {
            double end = exp(s[l]), in = end > strike;
            value += discount * in * (end - strike);
            sums[6][l] -= discount * in * (end - strike);
            sums[7][l] -= discount * in;
            ds[l] = discount * in * end, dv[l] = 0;
        }
        for (int k = STEPS - 1; k >= 0; k--) {
            const double *a = &z[k][0][path], *b = &z[k][1][path];
            EACH {
                double up = v[k][l] > 0, positive = up * v[k][l], root = sqrt(positive + 1e-12);
                double w = rho * a[l] + other * b[l], by_root = step * (a[l] * ds[l] + xi * w * dv[l]);
                sums[2][l] += (theta - positive) * dt * dv[l];
                sums[3][l] += kappa * dt * dv[l];
                sums[4][l] += root * step * w * dv[l];
                sums[5][l] += xi * root * step * a[l] * dv[l];
                dother[l] += xi * root * step * b[l] * dv[l];
                sums[6][l] += dt * ds[l];
                dv[l] += up * (0.5 * by_root / root - 0.5 * dt * ds[l] - kappa * dt * dv[l]);
            }
        }
        EACH sums[0][l] += ds[l] / start, sums[1][l] += dv[l], sums[5][l] -= rho / other * dother[l];
    }
    *mean = value / N;
    for (int k = 0; k < 8; k++) {
        g[k] = 0;
        EACH g[k] += sums[k][l] / N;
    }
}
