#:project ../../src/Ard.MLNet/Ard.MLNet.csproj
#:package Microsoft.ML.OnnxRuntime
#:property Configuration=Release
#:property PublishAot=false

// %% [markdown]
// # Bring your own PyTorch teacher, ship ONNX
//
// Robust networks that are worth learning from are mostly published as PyTorch files. This notebook takes such a file, measures what is in
// it before trusting it, distils a student from it in an ML.NET pipeline, and leaves the student as an ONNX model that runs where there is
// neither PyTorch nor this library.
//
// The file `glyph-teacher.pt` was written by PyTorch 1.13's `torch.save`, in the shape in which checkpoints usually come: a dictionary
// with an epoch and a state dict, whose names begin with `module.`, as `DataParallel` leaves them. Its network is a robust one for the
// images that are built in. It was trained by this library, so that the notebook has something to begin with;
// [make_teacher.py](make_teacher.py) says how. Yours will come from somewhere else.

// %%
using Ard.MLNet;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Onnx;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

// A notebook runs in its own folder, a program where it is started: at the root of the repository.
var folder = File.Exists("glyph-teacher.pt") ? "" : "examples/notebooks/";
var imported = ModelFile.Import(folder + "glyph-teacher.pt");
Console.WriteLine(imported.Report);
Console.WriteLine(imported.Spec.ToJson());

// %% [markdown]
// The import has found the state dict in the dictionary, has stripped the prefix, and has recognised the network by the names and shapes of
// its tensors. Where it cannot, you say what it is: a `NetworkSpec`, or a module of your own with `ModelFile.Load`. What it does
// not do is run anything: a `.pt` file is a Python pickle, a program, which `torch.load` may run; here a reader of our own takes tensors
// and plain values out of it and refuses everything else.
//
// ## Is it what it says?
//
// A file says nothing about robustness, and a paper's figure is for other images. So: measure. A teacher without robustness has none to
// give, and one whose figure has flags hides something ([the second notebook](02-which-attack-to-trust.ipynb)).

// %%
var threat = ThreatModel.Linf(0.1);
var (images, labels) = Glyphs.Generate(300, seed: 2).Batch(0, 300);
var evaluator = new RobustnessEvaluator(new() { Threat = threat, Attacks = ["fgsm", "pgd-20", "apgd-t-20"] });
var teacherReport = evaluator.Evaluate(imported.Network, images, labels);
foreach (var attack in teacherReport.Attacks.Prepend(teacherReport.Clean)) Console.WriteLine($"{attack.Name,-10} {attack.Accuracy:P1}");
Console.WriteLine($"flags: {teacherReport.Flags.Count}");
Pictures.Images(AttackedImages.Find(imported.Network, images, labels, Attack.Pgd(), threat), Glyphs.ClassNames).DisplayAs("image/svg+xml");

// %% [markdown]
// ## The student
//
// The module is a teacher as it is. Two things have to fit, and nobody but you can check the second:
//
// - the images: planes of channels in [0,1]. A normalisation belongs inside the network, and the import puts it there if the file has it;
// - the order of the classes. The teacher's third logit is its third class, and has to be the third key of the label column.
//   The loaders' keys are in the order of the data set, those of text labels in the order of their values. Look at `ClassNames`.

// %%
var ml = new MLContext(seed: 1);
var train = ml.Data.LoadGlyphs(400, seed: 1);

ImageClassifierTransformer Student(Objective objective) => ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
{
    Network = "tinycnn-8-bn",
    Teacher = imported.Network,
    Objective = objective,
    Training = new()
    {
        Epochs = 50,
        BatchSize = 50,
        Optimizer = new SgdOptimizer { LearningRate = 0.05, WeightDecay = 5e-4 },
        Schedule = Schedule.OneCycle(),
        Augmentation = Augmentation.None,
        ValidationFraction = 0,
    },
    Seed = 1,
}).Fit(train);

var inner = new InnerMaximisation { Threat = threat, Steps = 5, StepSize = 0.05 };
var soft = new DistillationTerm { Temperature = 4, Reduction = KlReduction.BatchMean };
var alone = Student(Objective.AdversarialTraining(inner));
var student = Student(Objective.AdversariallyRobustDistillation(new() { Inner = inner, Distillation = soft, StatisticsPasses = false }));
var aloneReport = evaluator.Evaluate(alone.Model, images, labels);
var studentReport = evaluator.Evaluate(student.Model, images, labels);
Console.WriteLine($"classes in the teacher's order: {student.ClassNames.SequenceEqual(Glyphs.ClassNames)}");
Console.WriteLine($"weights: teacher {Weights.Count(imported.Network):N0}, student {Weights.Count(student.Model):N0}");
Pictures.Accuracy(
    new ModelReport("teacher, from PyTorch") { Robustness = teacherReport },
    new ModelReport("student without it") { Robustness = aloneReport },
    new ModelReport("student, ARD") { Robustness = studentReport }).DisplayAs("image/svg+xml");

// %% [markdown]
// The two students stand about the same, within the intervals: here, as in the first notebook, the teacher is worth a little and not more.
// On which data it is worth more is in [docs/results.md](../../docs/results.md).
//
// ## Ship it
//
// `OnnxExport` writes the network: images [batch,1,16,16] in [0,1] in, logits out, normalisation inside. While it writes, it compares what
// it has written with the network, module by module, and refuses to leave a model that would compute something else.

// %%
var onnx = Path.Combine(Path.GetTempPath(), $"student-{Guid.NewGuid():N}.onnx");
OnnxExport.Write(onnx, student.Model);
Console.WriteLine($"{new FileInfo(onnx).Length / 1024.0:F0} KB");

// %% [markdown]
// ## Does the other side say the same?
//
// ONNX Runtime gets the clean images, and the images that PGD made against the network here. If it answered otherwise on those, the robust
// accuracy that we have measured would not be that of what we ship.

// %%
var attacked = Attack.Pgd().Perturb(student.Model, images, labels, threat);
var session = new InferenceSession(onnx);
long[] Here(TorchSharp.torch.Tensor batch) => student.Model.call(batch).argmax(1).data<long>().ToArray();
long[] There(TorchSharp.torch.Tensor batch)
{
    var input = new DenseTensor<float>(batch.contiguous().data<float>().ToArray(), [.. batch.shape.Select(size => (int)size)]);
    using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("images", input)]);
    var logits = outputs.Single().AsEnumerable<float>().ToArray();
    return [.. logits.Chunk(10).Select(row => (long)Array.IndexOf(row, row.Max()))];
}

double Agreement(TorchSharp.torch.Tensor batch) => Here(batch).Zip(There(batch)).Average(pair => pair.First == pair.Second ? 1.0 : 0);
var (agreeClean, agreeAttacked) = (Agreement(images), Agreement(attacked));
Console.WriteLine($"the same class: {agreeClean:P1} of the clean, {agreeAttacked:P1} of the attacked images");
var truth = labels.data<long>().ToArray();
var right = There(attacked).Zip(truth).Average(pair => pair.First == pair.Second ? 1.0 : 0);
Console.WriteLine($"right in ONNX Runtime: {right:P1} of the attacked images");
session.Dispose();
File.Delete(onnx);

// %% [markdown]
// ## In short
//
// - `ModelFile.Import("some.pt")`, or `TeacherNetwork.FromFile("some.pt")` in a pipeline: nothing in the file is run.
// - Measure the teacher on your images before you learn from it.
// - See that the keys have the teacher's order of classes.
// - `OnnxExport.Write`, and compare on attacked images too.
