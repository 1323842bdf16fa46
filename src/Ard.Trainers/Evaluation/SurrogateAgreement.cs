using Ard.Trainers.Attacks;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// How often the network that a transferred attack finds its points on says the same as the one in question: one that says something else
/// imitates it badly, and what does not carry over proves little. It is counted on the images of the evaluation, whatever the surrogate has
/// learned from: where that was these, it is too high.
/// </summary>
internal static class SurrogateAgreement
{
    public static RobustnessReport AddTo(
        RobustnessReport report, IReadOnlyList<Attack> attacks, ImageSource images, int batchSize)
    {
        if (!attacks.OfType<Transfer>().Any() || images.Count == 0) return report;
        return report with { Attacks = [.. report.Attacks.Zip(attacks, Add)] };

        AttackResult Add(AttackResult result, Attack attack)
        {
            if (attack is not Transfer transfer) return result;
            var same = Predictions(transfer.Surrogate).Zip(report.Clean.Predictions).Count(pair => pair.First == pair.Second);
            return result with { SurrogateAgreement = (double)same / images.Count };
        }

        IEnumerable<long> Predictions(Module<Tensor, Tensor> surrogate)
        {
            using var scope = NewDisposeScope();
            var (labels, (type, device)) = (tensor(report.Labels.ToArray()), ImageBatch.Home(surrogate, images));
            return [.. PointNoise.Rows(images.Count).Chunk(batchSize).SelectMany(rows => ImageBatch.Predict(
                nameof(SurrogateAgreement), surrogate, ImageBatch.Convert(images.Rows(rows), type, device), labels))];
        }
    }
}
