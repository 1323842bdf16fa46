#:project ../../src/Ard.MLNet/Ard.MLNet.csproj
#:property Configuration=Release
#:property PublishAot=false

// %% [markdown]
// # A teacher and a student
//
// You have trained an image classifier in ML.NET, and it gets nearly every test image right. Somebody who wants it to be wrong does not
// wait for an image that it gets wrong: they take one that it gets right and change it a little. How much "a little" is has to be said, or
// nothing can be measured. Here every pixel may change by 0.1, where black is 0 and white is 1.
//
// The share of test images that stay right whatever the adversary does within that budget is the **robust accuracy**. Nobody can try every
// change, so attacks search for a bad one, and the figure that an attack leaves is an upper bound.
//
// In ten minutes you will see a classifier that has almost none, a teacher that has some, and what a student of a third of the
// teacher's size keeps of it. Everything runs on a CPU with images that are built in.

// %%
using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Data;

var ml = new MLContext(seed: 1);
var threat = ThreatModel.Linf(0.1);

// 4,000 images for those who have many, 500 for those who have few, and 1,000 to judge by: ten drawn shapes, 16 by 16 pixels.
var many = ml.Data.LoadGlyphs(4000, seed: 1);
var few = ml.Data.TakeRows(many, 500);
var test = ml.Data.LoadGlyphs(1000, seed: 2);
Console.WriteLine(string.Join(", ", Glyphs.ClassNames));

// %% [markdown]
// ## A classifier as usual
//
// `AdversarialTraining` trains without a teacher; with the method `natural` it does what every other trainer does. The settings of the
// training are the same for all that follows.

// %%
var training = new TrainingOptions
{
    Epochs = 12,
    BatchSize = 100,
    Optimizer = new SgdOptimizer { LearningRate = 0.1, WeightDecay = 5e-4 },
    Schedule = Schedule.OneCycle(),
    Augmentation = Augmentation.None,
    ValidationFraction = 0,
};
var natural = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
{
    Network = "tinycnn-8-bn",
    Method = "natural",
    Training = training,
    Seed = 0,
}).Fit(many);

// Accuracy as it is and under two attacks. PGD-20 takes twenty steps, each where the network's own gradient says that it hurts most.
var evaluation = new AdversarialEvaluatorOptions { Evaluation = new() { Threat = threat, Attacks = ["fgsm", "pgd-20"] } };
var naturalMetrics = ml.MulticlassClassification.EvaluateRobustness(natural, test, evaluation);
Print("natural", naturalMetrics);

void Print(string name, RobustnessMetrics metrics) => Console.WriteLine(
    $"{name}: clean {metrics.Clean.Accuracy:P1}, FGSM {metrics["fgsm"].Accuracy:P1}, PGD-20 {metrics["pgd-20"].Accuracy:P1}");

// %% [markdown]
// It is nearly perfect, and worth nothing against an adversary. This is what the attack has done: the first row are test images, the second
// what was added to them, made visible, the third the sum that the network gets. You still see what each of them is.

// %%
// The first 200 of the test images as tensors, to look at them.
var (images, labels) = Glyphs.Generate(200, seed: 2).Batch(0, 200);
Pictures.Images(AttackedImages.Find(natural.Model, images, labels, Attack.Pgd(), threat), Glyphs.ClassNames).DisplayAs("image/svg+xml");

// %% [markdown]
// ## A robust teacher
//
// Adversarial training (Madry et al., 2018) shows the network attacked images instead, found anew in every step against the network as it
// is then. It costs several times as much, it needs more network and more images, and the clean accuracy is lower. That is the price of
// robustness, whoever pays it.

// %%
var settings = new ObjectiveSettings { Threat = threat, Steps = 5, StepSize = 0.05 };
var teacher = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
{
    Network = "tinycnn-16-bn",
    Method = "at",
    Settings = settings,
    Training = training,
    Seed = 0,
}).Fit(many);
var teacherMetrics = ml.MulticlassClassification.EvaluateRobustness(teacher, test, evaluation);
Print("teacher", teacherMetrics);

// %% [markdown]
// ## Three students
//
// Now somebody has a device on which only a small network fits, and 500 images. Three ways, one architecture:
//
// - *alone*: adversarial training on the 500 images;
// - *clean distillation*: the student imitates the teacher's answers on the images as they are;
// - *ARD* (Goldblum et al., 2020): it is attacked while it learns, and is to answer on the attacked image what the teacher answers on
//   the clean one.
//
// The teacher's answers are soft. They say that a ring resembles a disk more than a cross, and how sure one can be, which is more than a
// label says.

// %%
var longer = training with
{
    Epochs = 50,
    BatchSize = 50,
    Optimizer = new SgdOptimizer { LearningRate = 0.05, WeightDecay = 5e-4 },
};
ImageClassifierTransformer Student(Objective objective) => ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
{
    Network = "tinycnn-8-bn",
    Teacher = teacher,
    Objective = objective,
    Training = longer,
    Seed = 0,
}).Fit(few);

var inner = new InnerMaximisation { Threat = threat, Steps = 5, StepSize = 0.05 };
var soft = new DistillationTerm { Temperature = 4, Reduction = KlReduction.BatchMean };
var alone = Student(Objective.AdversarialTraining(inner));
var imitator = Student(Objective.Distillation(new() { Distillation = soft }));
var student = Student(Objective.AdversariallyRobustDistillation(new() { Inner = inner, Distillation = soft, StatisticsPasses = false }));

var aloneMetrics = ml.MulticlassClassification.EvaluateRobustness(alone, test, evaluation);
var imitatorMetrics = ml.MulticlassClassification.EvaluateRobustness(imitator, test, evaluation);
var studentMetrics = ml.MulticlassClassification.EvaluateRobustness(student, test, evaluation);
Print("alone", aloneMetrics);
Print("clean distil.", imitatorMetrics);
Print("ARD", studentMetrics);
Console.WriteLine($"weights: teacher {Weights.Count(teacher.Model):N0}, student {Weights.Count(student.Model):N0}");

// %% [markdown]
// ## What you have bought
//
// Clean distillation has copied the teacher's accuracy and nearly nothing of its robustness: a student that is never attacked in training
// stands no attack. The student alone and the one of ARD are both robust, less than the teacher, with a third of its weights and an eighth
// of its images. Between the two the difference is small: ARD is a point or two more accurate on clean images, at about the same robust
// accuracy.
//
// The bars have the 95 % intervals of 1,000 images: what is closer than they are wide may be chance.

// %%
(string Name, ImageClassifierTransformer Model, RobustnessMetrics Metrics)[] all =
[
    ("natural", natural, naturalMetrics), ("teacher", teacher, teacherMetrics), ("alone", alone, aloneMetrics),
    ("clean distil.", imitator, imitatorMetrics), ("ARD", student, studentMetrics),
];
var reports = all.Select(each => new ModelReport(each.Name)
{
    Robustness = each.Metrics.Report,
    Curve = RobustnessCurve.Evaluate(
        each.Model.Model, images, labels, [0, 0.025, 0.05, 0.075, 0.1, 0.15], new() { Attacks = ["pgd-10"] }),
}).ToArray();
Pictures.Accuracy(reports).DisplayAs("image/svg+xml");

// %% [markdown]
// One budget is one point. Over the budgets you see whether the accuracy falls slowly, and that at a large enough one everything falls: an
// attack that does not get there is a bad attack, and the figures of a bad attack are worth nothing.
// [The next notebook](02-which-attack-to-trust.ipynb) is about that.

// %%
Pictures.Curves(reports).DisplayAs("image/svg+xml");

// %% [markdown]
// ## Into your application
//
// The student is a step of a pipeline like any other: from the image to the name of the class, saved by ML.NET, loaded by ML.NET.

// %%
var names = ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel");
var model = student.Append(names.Fit(student.Transform(test)));
var file = Path.Combine(Path.GetTempPath(), $"student-{Guid.NewGuid():N}.zip");
ml.Model.Save(model, test.Schema, file);

var loaded = new MLContext().Model.Load(file, out _);
var five = ml.Data.TakeRows(test, 5);
foreach (var (truth, name) in five.GetColumn<uint>("Label").Zip(loaded.Transform(five).GetColumn<string>("Name")))
    Console.WriteLine($"a {Glyphs.ClassNames[(int)truth - 1]} is taken for a {name}");
File.Delete(file);

// %% [markdown]
// ## Where to go from here
//
// - Your own images: any `IDataView` with a vector of pixels in [0,1] and a key as label; `ml.Data.LoadImageFolder` reads folders.
// - Your own teacher, from PyTorch: [the third notebook](03-pytorch-teacher-to-onnx.ipynb).
// - Other methods (RSLAD, AdaAD, MTARD …) are another word for `Method`: see [the samples](../Samples/README.md).
// - Does ARD always pay? No. Here are few images and many epochs, where adversarial training alone begins to overfit, and even so one run
//   does not tell the two apart. [docs/results.md](../../docs/results.md) has three seeds, larger data, and where it buys nothing.
