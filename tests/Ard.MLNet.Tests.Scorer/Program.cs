// Loads the model file args[0] and writes the scores of the first args[1] built-in images to standard output, one image a line, each score as the hexadecimal digits of its bits.
using Ard.MLNet;
using Ard.MLNet.Data;
using Ard.MLNet.Tests.Scorer;
using Microsoft.ML;

var ml = new MLContext().RegisterArd(LinearNetwork.Definition);
var model = ml.Model.Load(args[0], out _);
foreach (var row in Scores.Of(ml, model, ml.Data.LoadGlyphs(int.Parse(args[1]), seed: 7))) Console.WriteLine(row);
