// MODEL COUNT [COLUMN] loads a model file and writes its scores (or another column of vectors) of the first COUNT built-in images, one
// image a line, each score as the hexadecimal digits of its bits.
// --evaluate MODEL STATE EXAMPLES REPORT attacks a model and writes the examples and the report; where STATE is there, it goes on from it.
// --freed FILE writes the pages of a large block that had to be asked for when it was used again: in a row, after a training
// and after scoring.
// --ranks MODEL trains and evaluates without a seed, as one of several processes, and writes what came out; the first saves it.
// --write MODEL makes a small model and saves it. Its entry Ard is what the files in Ard.MLNet.Tests/Fixtures hold, each written by the
// version in its name.
using Ard.MLNet;
using Ard.MLNet.Tests.Scorer;
using Ard.Trainers.Attacks;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Training;
using Microsoft.ML;

if (args[0] == "--ranks")
{
    var unseeded = new MLContext();
    unseeded.Log += (_, log) =>
    {
        if (log.Message.Contains("Epoch 2 of 2", StringComparison.Ordinal)) Console.WriteLine("the log has the epochs");
    };
    var images = unseeded.Data.LoadGlyphs(50, seed: 7);
    var trained = unseeded.MulticlassClassification.Trainers.AdversarialTraining(new()
    {
        Network = "tinycnn-2-bn",
        Training = new TrainingOptions { Epochs = 2, BatchSize = 10, Device = "cpu", ValidationFraction = 0.2 },
    }).Fit(images);
    var scores = string.Join(' ', Scores.Of(unseeded, trained, images, "Score"));
    var metrics = unseeded.MulticlassClassification.EvaluateRobustness(
        trained, images, new() { Evaluation = new() { Attacks = ["pgd-3"], BatchSize = 10 } });
    var digest = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(scores)));
    var group = ProcessGroup.Current;
    Console.WriteLine($"process {group.Rank} of {group.Size}: {digest} {metrics.Report.WorstCase.CorrectCount}");
    if (group.Rank == 0) unseeded.Model.Save(trained, images.Schema, args[1]);
    return;
}
var ml = new MLContext(1).RegisterNetworks(LinearNetwork.Definition);
if (args[0] is "--write" or "--freed")
{
    var training = new TrainingOptions
    {
        Epochs = 5,
        BatchSize = 10,
        Optimizer = new AdamOptimizer(),
        Augmentation = Augmentation.None,
        Device = "cpu"
    };
    var data = ml.Data.LoadGlyphs(50, seed: 7);
    var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.MulticlassClassification.Trainers.AdversarialTraining(
            new() { Network = "tinycnn-2-bn", Method = "natural", Training = training }));
    if (args[0] == "--write")
    {
        ml.Model.Save(pipeline.Fit(data), data.Schema, args[1]);
        return;
    }
    PageFaults.OfLargeBlock();
    var again = PageFaults.OfLargeBlock();
    var trained = pipeline.Fit(data);
    var afterTraining = PageFaults.OfLargeBlock();
    _ = Scores.Of(ml, trained, data, "Score").Count();
    File.WriteAllText(args[1], $"{again} {afterTraining} {PageFaults.OfLargeBlock()}");
    return;
}
if (args[0] == "--evaluate")
{
    var evaluation = new EvaluationOptions
    {
        Attacks = ["fgsm", "pgd-10", "apgd-ce-20", "square-200"],
        MoreAttacks = [Attack.Sequence("fab and apgd", [AttackCatalog.ByName("fab-t-5"), AttackCatalog.ByName("apgd-t-10")])],
        Threat = ThreatModel.Linf(0.05),
        BatchSize = 10,
        StateFile = args[2],
        ExamplesFile = args[3],
    };
    var loaded = ml.Model.Load(args[1], out _);
    ml.MulticlassClassification.EvaluateRobustness(
        loaded, ml.Data.LoadGlyphs(60, seed: 8), new() { Evaluation = evaluation }).SaveJson(args[4]);
    return;
}
var model = ml.Model.Load(args[0], out _);
var column = args.Length > 2 ? args[2] : "Score";
foreach (var row in Scores.Of(ml, model, ml.Data.LoadGlyphs(int.Parse(args[1]), seed: 7), column)) Console.WriteLine(row);
