using Ard.MLNet.Schema;

namespace Ard.MLNet.Tests.Evaluation;

/// <summary>An evaluation of a data view reads a batch at a time, and finds what one of tensors finds.</summary>
public sealed class StreamedEvaluationTests
{
    private readonly MLContext ml = new MLContext(1);
    private readonly string folder = Tiny.Folder();
    private int made;

    // 45 rows that are made as they are read; from a row on their pixels are no multiples of 1/255.
    private IDataView Rows(int firstFloat = int.MaxValue)
    {
        var rows = Tiny.Images(ml, 45);
        foreach (var row in rows.Skip(firstFloat)) row.Features = [.. row.Features.Select(pixel => pixel * 0.99f)];
        return ml.Data.LoadFromEnumerable(rows.Select(row =>
        {
            made++;
            return row;
        }));
    }

    private static EvaluationOptions Options => new() { Attacks = ["fgsm", "pgd-3"], Threat = ThreatModel.Linf(0.1), BatchSize = 10 };

    [Theory]
    [InlineData(int.MaxValue, false)]
    [InlineData(17, false)]
    [InlineData(int.MaxValue, true)]
    [InlineData(17, true)]
    public void It_finds_what_an_evaluation_of_tensors_finds_files_included(int firstFloat, bool writesFiles)
    {
        var data = Rows(firstFloat);
        var classifier = Tiny.Classifier.Classifier;
        using var images = ImageReader.Read(data, "Features", "Label", classifier.Format, ClassLabels.Unnamed(10));
        string Name(string name) => Path.Combine(folder, name);
        EvaluationOptions With(string name) => writesFiles
            ? Options with { StateFile = Name($"{name}.state"), ExamplesFile = Name($"{name}.examples") }
            : Options;

        var expected = new RobustnessEvaluator(With("tensors") with { KeepLogits = true })
            .Evaluate(classifier.Network, images.Images, images.Labels);
        made = 0;
        var metrics = ml.MulticlassClassification.EvaluateRobustness(
            Tiny.Classifier, data, new() { Evaluation = With("view"), Images = 0 });

        Assert.Equal(expected.WorstCase.Points, metrics.Report.WorstCase.Points);
        Assert.Equal(expected.Images, metrics.Report.Images);
        Assert.Equal(expected.Attacks.Select(attack => attack.Logits!), metrics.Report.Attacks.Select(attack => attack.Logits!));
        if (!writesFiles)
        {
            // Once for the labels, and once for the images and their digest.
            Assert.Equal(2 * 45, made);
            return;
        }
        Assert.Equal(File.ReadAllBytes(Name("tensors.examples")), File.ReadAllBytes(Name("view.examples")));
        // Each goes on from the other's state at once.
        File.Copy(Name("tensors.state"), Name("view.state"), overwrite: true);
        var attacks = 0;
        var options = new AdversarialEvaluatorOptions { Evaluation = With("view"), Images = 0, Progress = new Progress(() => attacks++) };
        var again = ml.MulticlassClassification.EvaluateRobustness(Tiny.Classifier, data, options);
        Assert.Equal(expected.WorstCase.Points, again.Report.WorstCase.Points);
        Assert.Equal(0, attacks);
    }

    [Fact]
    public void A_curve_and_pictures_read_the_rows_again()
    {
        var data = Rows();
        var classifier = Tiny.Classifier.Classifier;
        using var images = ImageReader.Read(data, "Features", "Label", classifier.Format, ClassLabels.Unnamed(10));
        double[] budgets = [0, 0.05, 0.1];
        var expected = RobustnessCurve.Evaluate(classifier.Network, images.Images, images.Labels, budgets, Options);
        made = 0;
        var found = ml.MulticlassClassification.EvaluateRobustnessCurve(Tiny.Classifier, data, budgets, new() { Evaluation = Options });
        Assert.Equal(expected.Points.Select(point => point.Correct), found.Points.Select(point => point.Correct));
        Assert.InRange(made, 45 + 45 + 1, 45 + 3 * 45);
        var pictured = ml.MulticlassClassification.EvaluateRobustness(Tiny.Classifier, data, new() { Evaluation = Options, Images = 3 });
        Assert.NotEmpty(pictured.Images!.Each);
    }

    [Fact]
    public void Images_are_kept_for_as_long_as_the_next_ones_are_not_asked_for()
    {
        var classifier = Tiny.Classifier.Classifier;
        var data = Rows(firstFloat: 20);
        using var scope = NewDisposeScope();
        using var whole = ImageReader.Read(data, "Features", "Label", classifier.Format, ClassLabels.Unnamed(10));
        made = 0;
        using var images = new ViewImages(data, "Features", classifier.Format, 45);
        Check([0, 1, 2, 3], ScalarType.Byte, 4);
        Check([1, 3], ScalarType.Byte, 4);
        Check([], ScalarType.Byte, 4);
        Check([18, 19, 20, 30], ScalarType.Float32, 31);
        Check([44], ScalarType.Float32, 45);
        // Back: by a second pass.
        Check([0, 5], ScalarType.Byte, 45 + 6);
        Assert.Contains("had 46 rows", Assert.Throws<InvalidOperationException>(
            () => new ViewImages(data, "Features", classifier.Format, 46).Rows([45])).Message);

        void Check(long[] rows, ScalarType type, int madeSoFar)
        {
            var found = images.Rows(rows);
            Assert.Equal(type, found.dtype);
            Assert.Equal([rows.Length, 1, 16, 16], found.shape);
            var floats = type == ScalarType.Byte ? found.to(ScalarType.Float32).div(255) : found;
            if (rows.Length > 0) Assert.True(floats.eq(whole.Batch(tensor(rows)).Images).all().item<bool>());
            Assert.Equal(madeSoFar, made);
        }
    }

    private sealed class Progress(Action told) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => told();
    }
}
