// MODEL COUNT loads a model file and writes its scores of the first COUNT built-in images, one image a line, each score as the hexadecimal
// digits of its bits.
// --write MODEL makes a small model and saves it. Its entry Ard is what the files in Ard.MLNet.Tests/Fixtures hold, each written by the
// version in its name.
using Ard.MLNet;
using Ard.MLNet.Tests.Scorer;
using Ard.Trainers.Training;
using Microsoft.ML;

var ml = new MLContext(1).RegisterArd(LinearNetwork.Definition);
if (args[0] == "--write")
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
        .Append(ml.AdversarialTrainer(new() { Network = "tinycnn-2-bn", Method = "natural", Training = training }));
    ml.Model.Save(pipeline.Fit(data), data.Schema, args[1]);
    return;
}
var model = ml.Model.Load(args[0], out _);
foreach (var row in Scores.Of(ml, model, ml.Data.LoadGlyphs(int.Parse(args[1]), seed: 7))) Console.WriteLine(row);
