/* One training step of an MLP 2-16-16-1 on N points: relu, hinge loss, L2, SGD; eight points side by side. */
#define LANES 8
#define BLOCKS ((N + LANES - 1) / LANES)
#define H 16
#define RATE 0.01
#define DECAY 1e-4

typedef double lanes __attribute__((vector_size(8 * LANES)));

static lanes points[2][BLOCKS], labels[BLOCKS], share[BLOCKS]; /* share: 1 / N, and 0 in lanes without a point */

void load(const double *x, const double *y)
{
    for (int k = 0; k < N; k++) {
        points[0][k / LANES][k % LANES] = x[2 * k];
        points[1][k / LANES][k % LANES] = x[2 * k + 1];
        labels[k / LANES][k % LANES] = y[k];
        share[k / LANES][k % LANES] = 1.0 / N;
    }
}

static double total(lanes x)
{
    double sum = 0;
    for (int k = 0; k < LANES; k++) sum += x[k];
    return sum;
}

/* x where the test is positive, else 0 */
static lanes where(lanes test, lanes x)
{
    typedef long long bits __attribute__((vector_size(8 * LANES)));
    return (lanes)((bits)x & (test > 0));
}

/* The parameters: for each neuron its weights, then its bias. arrays: parameters, gradient, loss. */
void run(double **arrays)
{
    double *w = arrays[0], *g = arrays[1];
    double(*w1)[3] = (void *)w, (*w2)[H + 1] = (void *)(w + 3 * H), *w3 = w + 3 * H + (H + 1) * H;
    double(*g1)[3] = (void *)g, (*g2)[H + 1] = (void *)(g + 3 * H), *g3 = g + 3 * H + (H + 1) * H;
    static lanes h1[H][BLOCKS], h2[H][BLOCKS], d1[H][BLOCKS], d2[H][BLOCKS], d3[BLOCKS];
    lanes losses = {0};

    for (int k = 0; k < BLOCKS; k++) {
        lanes score = {0};
        for (int i = 0; i < H; i++) {
            lanes sum = w1[i][0] * points[0][k] + w1[i][1] * points[1][k] + w1[i][2];
            h1[i][k] = where(sum, sum);
        }
        for (int j = 0; j < H; j++) {
            lanes sum = {0};
            for (int i = 0; i < H; i++) sum += w2[j][i] * h1[i][k];
            sum += w2[j][H];
            h2[j][k] = where(sum, sum);
            score += w3[j] * h2[j][k];
        }
        lanes loss = 1 - labels[k] * (score + w3[H]);
        losses += where(loss, loss) * share[k];
        d3[k] = where(loss, -labels[k] * share[k]);
        for (int j = 0; j < H; j++) d2[j][k] = where(h2[j][k], w3[j] * d3[k]);
        for (int i = 0; i < H; i++) {
            lanes sum = {0};
            for (int j = 0; j < H; j++) sum += w2[j][i] * d2[j][k];
            d1[i][k] = where(h1[i][k], sum);
        }
    }
    lanes slopes = {0};
    for (int j = 0; j < H; j++) {
        lanes a = {0}, b = {0}, c = {0}, d = {0}, e = {0};
        for (int k = 0; k < BLOCKS; k++) {
            a += d1[j][k] * points[0][k], b += d1[j][k] * points[1][k], c += d1[j][k];
            d += d3[k] * h2[j][k], e += d2[j][k];
        }
        g1[j][0] = total(a), g1[j][1] = total(b), g1[j][2] = total(c), g3[j] = total(d), g2[j][H] = total(e);
        for (int i = 0; i < H; i += 4) {
            lanes s[4] = {0};
            for (int k = 0; k < BLOCKS; k++)
                for (int l = 0; l < 4; l++) s[l] += d2[j][k] * h1[i + l][k];
            for (int l = 0; l < 4; l++) g2[j][i + l] = total(s[l]);
        }
    }
    for (int k = 0; k < BLOCKS; k++) slopes += d3[k];
    g3[H] = total(slopes);

    double squares = 0;
    for (int k = 0; k < 3 * H + (H + 1) * (H + 1); k++) {
        squares += w[k] * w[k];
        g[k] += 2 * DECAY * w[k];
        w[k] -= RATE * g[k];
    }
    arrays[2][0] = total(losses) + DECAY * squares;
}
