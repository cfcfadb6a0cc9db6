/* Rosenbrock's function of N numbers: gradient, Hessian times a vector, Hessian. */
#define LANES 8

/* arrays: x, value, gradient */
void gradient(double **arrays)
{
    const double *restrict x = arrays[0];
    double *restrict g = arrays[2], sums[LANES] = {0}, sum = 0;
    int i = 0;
    for (; i + LANES < N; i += LANES)
        for (int l = 0; l < LANES; l++) {
            double y = x[i + l], r = x[i + l + 1] - y * y;
            sums[l] += 100 * r * r + (1 - y) * (1 - y);
        }
    for (; i < N - 1; i++) {
        double r = x[i + 1] - x[i] * x[i];
        sum += 100 * r * r + (1 - x[i]) * (1 - x[i]);
    }
    for (int l = 0; l < LANES; l++) sum += sums[l];
    arrays[1][0] = sum;
    g[0] = -400 * x[0] * (x[1] - x[0] * x[0]) - 2 * (1 - x[0]);
    for (i = 1; i < N - 1; i++)
        g[i] = 200 * (x[i] - x[i - 1] * x[i - 1]) - 400 * x[i] * (x[i + 1] - x[i] * x[i]) - 2 * (1 - x[i]);
    g[N - 1] = 200 * (x[N - 1] - x[N - 2] * x[N - 2]);
}

/* arrays: x, v, product */
void product(double **arrays)
{
    const double *restrict x = arrays[0], *restrict v = arrays[1];
    double *restrict p = arrays[2];
    p[0] = (1200 * x[0] * x[0] - 400 * x[1] + 2) * v[0] - 400 * x[0] * v[1];
    for (int i = 1; i < N - 1; i++)
        p[i] = (1200 * x[i] * x[i] - 400 * x[i + 1] + 202) * v[i] - 400 * x[i] * v[i + 1] - 400 * x[i - 1] * v[i - 1];
    p[N - 1] = 200 * v[N - 1] - 400 * x[N - 2] * v[N - 2];
}

/* arrays: x, matrix; what lies off the three diagonals stays 0 */
void hessian(double **arrays)
{
    const double *restrict x = arrays[0];
    double *restrict h = arrays[1];
    for (int i = 0; i < N - 1; i++) {
        h[i * (N + 1)] = 1200 * x[i] * x[i] - 400 * x[i + 1] + (i ? 202 : 2);
        h[i * (N + 1) + 1] = h[i * (N + 1) + N] = -400 * x[i];
    }
    h[N * N - 1] = 200;
}

/* arrays: x, the entries row by row */
void sparse(double **arrays)
{
    const double *restrict x = arrays[0];
    double *restrict h = arrays[1];
    h[0] = 1200 * x[0] * x[0] - 400 * x[1] + 2;
    for (int i = 0; i < N - 1; i++) {
        h[3 * i + 1] = h[3 * i + 2] = -400 * x[i];
        h[3 * i + 3] = i == N - 2 ? 200 : 1200 * x[i + 1] * x[i + 1] - 400 * x[i + 2] + 202;
    }
}
