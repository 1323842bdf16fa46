#:project ../../src/Ard.MLNet/Ard.MLNet.csproj
#:property Configuration=Release
#:property PublishAot=false

// %% [markdown]
// # Which attack to trust
//
// A robust accuracy is a statement about all changes of an image that a budget allows, and it is measured by looking for a bad one. An
// attack that does not find it makes the figure better, and so does a network that hides where to look. Dozens of published defences fell
// that way, when somebody attacked them properly (Athalye, Carlini and Wagner, 2018; Tramèr et al., 2020).
//
// This notebook takes two networks, asks them with weaker and stronger attacks, and lets the evaluator say when not to believe a figure.

// %%
using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Objectives;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using Microsoft.ML;
using static TorchSharp.torch;

var ml = new MLContext(seed: 1);
var threat = ThreatModel.Linf(0.1);             // every pixel by 0.1
var train = ml.Data.LoadGlyphs(1000, seed: 1);
var test = ml.Data.LoadGlyphs(300, seed: 2);

ArdTrainer Trainer(string method, ObjectiveSettings settings) => ml.MulticlassClassification.Trainers.AdversarialTraining(new()
{
    Network = "tinycnn-8-bn",
    Method = method,
    Settings = settings,
    Training = new()
    {
        Epochs = 12,
        BatchSize = 50,
        Optimizer = new SgdOptimizer { LearningRate = 0.1, WeightDecay = 5e-4 },
        Schedule = Schedule.OneCycle(),
        Augmentation = Augmentation.None,
        ValidationFraction = 0,
    },
    Seed = 1,
});
var robust = Trainer("at", new ObjectiveSettings { Threat = threat, Steps = 5, StepSize = 0.05 }).Fit(train);

RobustnessMetrics Evaluate(ImageClassifierTransformer classifier, IDataView rows, params string[] attacks)
{
    var metrics = ml.MulticlassClassification.EvaluateRobustness(
        classifier, rows, new() { Evaluation = new() { Threat = threat, Attacks = attacks } });
    foreach (var each in metrics.Attacks.Prepend(metrics.Clean))
        Console.WriteLine($"{each.Name,-14} {each.Accuracy,7:P1}   95 %: {each.Interval.Low:P1} to {each.Interval.High:P1}");
    foreach (var flag in metrics.Flags) Console.WriteLine($"! {flag}");
    return metrics;
}

// %% [markdown]
// ## An honest network
//
// Adversarially trained, with gradients that lead somewhere. The attacks, from weak to strong:
//
// - `fgsm`: one step along the sign of the gradient;
// - `pgd-5`, `pgd-20`, `pgd-50x5`: 5, 20 steps, and 50 from each of five random starts;
// - `apgd-ce`: chooses its step size as it goes;
// - `apgd-t`: the same towards each of the nine other classes in turn, with a loss that does not saturate.

// %%
var honest = Evaluate(robust, test, "fgsm", "pgd-5", "pgd-20", "pgd-50x5", "apgd-ce", "apgd-t");
Pictures.Accuracy(new ModelReport("adversarial training") { Robustness = honest.Report }).DisplayAs("image/svg+xml");

// %% [markdown]
// Every one of these figures is an upper bound of the same number. FGSM overstates it by more than ten points, and five small steps do no
// better than its one large one; more steps and more starts take some points more, another loss again one or two. The *worst case*
// counts an image as right only if no attack has broken it: that, or AutoAttack, is the figure to report. Of an honest network the strong
// attacks say nearly the same, and PGD-20 is good enough to work with from day to day.

// %% [markdown]
// ## A network that hides
//
// Now a network that nobody made robust: trained as usual, and then its logits are multiplied by 1000. The order of the logits is the same,
// so is every prediction. But the softmax of such logits is 1 and 0 to the last bit, and the gradient of the cross-entropy, along
// which FGSM and PGD walk, is zero. Distillation at a high temperature did the same by accident, and was published as a defence.

// %%
var hiding = Trainer("natural", new ObjectiveSettings()).Fit(train);
Console.WriteLine("before");
var before = Evaluate(hiding, test, "fgsm", "pgd-20");
using (no_grad())
{
    // The last layer's weights and biases.
    foreach (var weights in hiding.Model.parameters().TakeLast(2)) weights.mul_(1000);
}
Console.WriteLine("after");
var after = Evaluate(hiding, test, "fgsm", "pgd-20");

// %% [markdown]
// By these two attacks a defenceless network has become one of the most robust of the world. The evaluator saw something, though: the lines
// that begin with an exclamation mark. A gradient of zero is not a property of robust networks.
//
// ## What sees through it
//
// Three attacks that do not need that gradient:
//
// - `square` asks the network and looks at its answers, nothing else;
// - APGD on the loss DLR divides by the spread of the logits, so a factor in them does not matter;
// - *transfer*: attack another network, here the honest one, and try the images on this.

// %%
var options = new EvaluationOptions
{
    Threat = threat,
    Attacks = ["fgsm", "pgd-20", "apgd-dlr", "square-500"],
    MoreAttacks = [Attack.Transfer(Attack.Pgd(), robust.Model, "another")],
};
var seen = ml.MulticlassClassification.EvaluateRobustness(hiding, test, new() { Evaluation = options });
foreach (var flag in seen.Flags) Console.WriteLine($"! {flag}");
Pictures.Accuracy(
    new ModelReport("natural, before") { Robustness = before.Report },
    new ModelReport("natural, logits times 1000") { Robustness = seen.Report }).DisplayAs("image/svg+xml");

// %% [markdown]
// The worst case is where it was before the trick: at next to nothing. That is how to read an evaluation: not one attack but several **of
// different kinds**, and whenever an attack without gradients, or one made for another network, finds what PGD has not found, PGD's figure
// is void.
//
// The other signs that the evaluator looks for: an attack of one step that beats one of many, outputs that differ from call to call (then
// `autoattack-rand` averages), and outputs that are probabilities instead of logits.

// %% [markdown]
// ## AutoAttack
//
// AutoAttack (Croce and Hein, 2020) is the agreed set: APGD on the cross-entropy, APGD and FAB targeted, and Square, each on what the ones
// before have left, with no parameter to choose. It takes minutes for a thousand images of a small network. Here on fifty.

// %%
var sample = ml.Data.TakeRows(test, 50);
Console.WriteLine("adversarial training");
var robustAuto = Evaluate(robust, sample, "pgd-20", "autoattack");
Console.WriteLine("natural, logits times 1000");
var hidingAuto = Evaluate(hiding, sample, "pgd-20", "autoattack");

// %% [markdown]
// From nearly all of them to nothing. This is what Square, which only asks, has done to the network that hides:

// %%
var (images, labels) = Glyphs.Generate(300, seed: 2).Batch(0, 300);
var found = AttackedImages.Find(hiding.Model, images, labels, AttackCatalog.ByName("square-500"), threat);
Pictures.Images(found, Glyphs.ClassNames).DisplayAs("image/svg+xml");

// %% [markdown]
// ## In short
//
// - While you develop: `pgd-20` on some hundred images, and read the flags.
// - Before you tell anyone: `autoattack` on a thousand images, and the interval beside the figure.
// - Never: FGSM alone. And no figure without norm and budget.
//
// [docs/results.md](../../docs/results.md) shows how far PGD-20 and AutoAttack are apart for the methods of this library.
