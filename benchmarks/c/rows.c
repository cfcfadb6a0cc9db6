/* A function of 300 operations and its gradient for N rows, eight side by side. arrays: rows, values, gradients */
#include <math.h>

#define LANES 8
#define ROUNDS (SINES ? 30 : 25)

#if SINES
__attribute__((__simd__("notinbranch"))) double sin(double);
__attribute__((__simd__("notinbranch"))) double cos(double);
#endif

typedef double lanes[LANES];
#define EACH for (int l = 0; l < LANES; l++)

void run(double **arrays)
{
    for (int row = 0; row < N; row += LANES) {
        const double(*in)[4] = (void *)(arrays[0] + 4 * row);
        double *value = arrays[1] + row, (*out)[4] = (void *)(arrays[2] + 4 * row);
        lanes s[ROUNDS + 1], t[ROUNDS + 1], u[ROUNDS], v[ROUNDS], slope[ROUNDS], a, b, ds, dt, da, db;
        EACH s[0][l] = in[l][0], t[0][l] = in[l][1], a[l] = in[l][2], b[l] = in[l][3];
        for (int k = 0; k < ROUNDS; k++) {
            EACH u[k][l] = s[k][l] * a[l] + t[k][l];
#if SINES
            EACH v[k][l] = sin(u[k][l]);
            EACH slope[k][l] = cos(u[k][l]);
#else
            EACH v[k][l] = u[k][l] / (1 + u[k][l] * u[k][l]);
            EACH slope[k][l] = (1 - 2 * u[k][l] * v[k][l]) * 1 / (1 + u[k][l] * u[k][l]);
#endif
            EACH s[k + 1][l] = s[k][l] + 0.1 * (u[k][l] * v[k][l] - t[k][l] * b[l]);
            EACH t[k + 1][l] = t[k][l] - 0.1 * v[k][l];
        }
        EACH value[l] = s[ROUNDS][l] * t[ROUNDS][l];
        EACH ds[l] = t[ROUNDS][l], dt[l] = s[ROUNDS][l], da[l] = 0, db[l] = 0;
        for (int k = ROUNDS - 1; k >= 0; k--) EACH {
                double dw = 0.1 * ds[l], dv = dw * u[k][l] - 0.1 * dt[l], du = dw * v[k][l] + dv * slope[k][l];
                db[l] -= dw * t[k][l];
                dt[l] += du - dw * b[l];
                da[l] += du * s[k][l];
                ds[l] += du * a[l];
            }
        EACH out[l][0] = ds[l], out[l][1] = dt[l], out[l][2] = da[l], out[l][3] = db[l];
    }
}
