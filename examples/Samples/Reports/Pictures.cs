using System.Xml.Linq;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;

namespace Ard.Samples;

/// <summary>Parts of a report as pictures, for notebooks, slides and papers.</summary>
internal static class PicturesSample
{
    public static void Example()
    {
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var network = Given.Natural;
        var model = new ModelReport("natural")
        {
            Robustness = new RobustnessEvaluator().Evaluate(network, images, labels),
            Curve = RobustnessCurve.Evaluate(network, images, labels, [0, 0.02, 0.05], new() { Attacks = ["pgd-10"] }),
        };
        string[] pictures =
        [
            Pictures.Accuracy(model),
            Pictures.Curves(model),
            Pictures.Images(AttackedImages.Find(network, images, labels, Attack.Pgd(), Given.Threat, count: 4), Glyphs.ClassNames),
        ];
        // SVG as text, to be written to a file or shown in a notebook.
        foreach (var picture in pictures) Console.WriteLine(XElement.Parse(picture).Name.LocalName);

        // Expected output:
        // svg
        // svg
        // svg
    }
}
