namespace Ard.Trainers.Tests.Distributed;

/// <summary>What several processes make of batch normalisation, worked out by hand for one step.</summary>
[Collection("global random state")]
public sealed class LocalStatisticsTests
{
    // Four images of one pixel, of two classes, for two ranks; logits are w (gamma x̂ + beta) + b.
    private static readonly double[] pixels = [10, 60, 130, 250];
    private static readonly int[] labels = [0, 1, 1, 0];
    private static readonly double[] w = [0.7, -0.4], b = [0.1, 0.2];
    private const double Gamma = 1.5, Beta = -0.25, Rate = 0.5, Epsilon = 1e-5;

    [Fact]
    public void Each_rank_normalises_by_its_own_images_and_running_statistics_are_their_mean()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        var order = randperm(4, ScalarType.Int64, generator: generator).data<long>().ToArray();

        double gradientGamma = 0, gradientBeta = 0, runningMean = 0, runningVariance = 0;
        double[] gradientW = [0, 0], gradientB = [0, 0];
        for (var rank = 0; rank < 2; rank++)
        {
            // Every second image, from its rank on.
            long[] own = [order[rank], order[rank + 2]];
            var x = own.Select(image => (double)((float)pixels[image] / 255)).ToArray();
            var mean = x.Average();
            var variance = x.Select(value => (value - mean) * (value - mean)).Average();
            (runningMean, runningVariance) = (runningMean + (0.1 * mean) / 2, runningVariance + (0.9 + 0.1 * 2 * variance) / 2);
            for (var i = 0; i < 2; i++)
            {
                var normal = (x[i] - mean) / Math.Sqrt(variance + Epsilon);
                var hidden = Gamma * normal + Beta;
                var odds = w.Zip(b, (weight, bias) => Math.Exp(weight * hidden + bias)).ToArray();
                for (var c = 0; c < 2; c++)
                {
                    // The mean over the four images of the whole batch.
                    var error = (odds[c] / odds.Sum() - (labels[own[i]] == c ? 1 : 0)) / 4;
                    gradientW[c] += error * hidden;
                    gradientB[c] += error;
                    gradientGamma += error * w[c] * normal;
                    gradientBeta += error * w[c];
                }
            }
        }

        var trained = ThreadGroup.Run(2, group =>
        {
            using var inner = NewDisposeScope();
            using var network = Network();
            using var data = new ImageDataset(
                tensor(pixels).to(ScalarType.Byte).view(4, 1, 1, 1), tensor(labels, dtype: ScalarType.Int64), ["a", "b"]);
            Trainer.Fit(network, new Natural(), data, new TrainingOptions
            {
                Epochs = 1,
                BatchSize = 4,
                Optimizer = new SgdOptimizer { LearningRate = Rate, Momentum = 0, WeightDecay = 0 },
                Schedule = Schedule.Constant,
                Augmentation = Augmentation.None,
                ValidationFraction = 0,
                Device = "cpu",
                Seed = 3,
                Group = group,
            });
            return network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.to(ScalarType.Float64).data<double>().ToArray());
        });
        foreach (var rank in trained)
        {
            Assert.Equal(Gamma - Rate * gradientGamma, rank["1.weight"][0], 1e-12);
            Assert.Equal(Beta - Rate * gradientBeta, rank["1.bias"][0], 1e-12);
            Assert.Equal(runningMean, rank["1.running_mean"][0], 1e-12);
            Assert.Equal(runningVariance, rank["1.running_var"][0], 1e-12);
            for (var c = 0; c < 2; c++)
            {
                Assert.Equal(w[c] - Rate * gradientW[c], rank["2.weight"][c], 1e-12);
                Assert.Equal(b[c] - Rate * gradientB[c], rank["2.bias"][c], 1e-12);
            }
        }
    }

    private static Module<Tensor, Tensor> Network()
    {
        var normal = BatchNorm1d(1);
        var linear = Linear(1, 2);
        var network = Sequential(Flatten(), normal, linear).to(ScalarType.Float64);
        using var noGradient = no_grad();
        normal.weight!.fill_(Gamma);
        normal.bias!.fill_(Beta);
        linear.weight!.copy_(tensor(w).view(2, 1));
        linear.bias!.copy_(tensor(b));
        return network;
    }
}
