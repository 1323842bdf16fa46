using Ard.Tests;

namespace Ard.MLNet.Tests;

/// <summary>
/// Training, evaluation, scoring and a prediction engine at once in one process, beside threads that allocate and collect: for
/// ARD_SOAK_MINUTES, by default an hour, no failure, and each gives the same results every time.
/// </summary>
public sealed class SoakTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    [Fact]
    [Trait("Category", "Long")]
    public void Training_evaluation_scoring_and_predictions_at_once_give_the_same_results_for_an_hour()
    {
        var minutes = double.TryParse(Environment.GetEnvironmentVariable("ARD_SOAK_MINUTES"), out var asked) ? asked : 60;
        torch.set_num_threads(1);
        // Each of its own making, for none may share a network with one that trains or attacks it.
        string[] names = ["training", "evaluation", "scoring", "20 predictions"];
        Func<string>[] works = [Training(), Evaluation(), Scoring(), Predictions()];
        var quiet = works.Select(work => work()).ToArray();

        var end = DateTime.UtcNow.AddMinutes(minutes);
        var times = new int[works.Length];
        using var neighbours = new BusyNeighbours();
        Parallel.For(0, works.Length, new ParallelOptions { MaxDegreeOfParallelism = works.Length }, n =>
        {
            while (DateTime.UtcNow < end)
            {
                Assert.True(quiet[n] == works[n](), $"{names[n]}: run {times[n]} gives other results than in a quiet process");
                times[n]++;
            }
        });
        Assert.All(times, count => Assert.NotEqual(0, count));
        Console.WriteLine($"{minutes} minutes: {string.Join(", ", names.Zip(times, (name, count) => $"{count} times {name}"))}");
    }

    private static Func<string> Training()
    {
        var options = Tiny.Natural("tinycnn-2-bn") with { Method = "trades", Settings = new() { Threat = Threat } };
        return () =>
        {
            // A context draws another seed for each training.
            var ml = new MLContext(1);
            using var trained = new ArdTrainer(ml, options).Fit(Tiny.Glyphs(ml, 40));
            return Text(Tiny.Weights(trained));
        };
    }

    private static Func<string> Evaluation()
    {
        var (ml, classifier, data) = Trained();
        EvaluationOptions options = new() { Threat = Threat, Attacks = ["pgd-5", "apgd-ce-5", "square-20"] };
        return () =>
        {
            var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, data, new() { Evaluation = options });
            return $"{metrics.Clean.Accuracy} {metrics["pgd-5"].Accuracy} {metrics["apgd-ce-5"].Accuracy} {metrics["square-20"].Accuracy}";
        };
    }

    private static Func<string> Scoring()
    {
        var (_, classifier, data) = Trained();
        return () => Text(Tiny.Vectors(classifier.Transform(data), "Score").SelectMany(scores => scores));
    }

    private static Func<string> Predictions()
    {
        var (ml, classifier, _) = Trained();
        var images = Tiny.Images(ml, 20);
        var engine = ml.Model.CreatePredictionEngine<Image, Prediction>(classifier);
        return () => Text(images.SelectMany(image => engine.Predict(image).Score));
    }

    private static (MLContext Ml, ImageClassifierTransformer Classifier, IDataView Data) Trained()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 40);
        return (ml, new ArdTrainer(ml, Tiny.Natural("tinycnn-2-bn")).Fit(data), data);
    }

    private static string Text(IEnumerable<float> values) => string.Join(' ', values.Select(value => value.ToString("R")));
}
