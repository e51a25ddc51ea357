//! One file of a take: storage until the first frame comes, then a writer.

use std::path::{Path, PathBuf};

use ossicle_io::file::{
    AudioWriter, FileError, FileKind, Label, Overwrite, Storage, Tags, WavSpec,
};

use super::disk::Disk;

/// The file that is written.
pub(super) struct OpenFile {
    pen: Pen,
    kind: FileKind,
    path: PathBuf,
    /// Position in the take of its first frame.
    first: u64,
    /// Frames that last, by the last checkpoint or the end.
    lasting: u64,
    /// It can be found under its path, and the take knows.
    is_told: bool,
}

enum Pen {
    /// What is said of the file is not known before its first frame.
    Blank(Box<dyn Storage>),
    Writing(AudioWriter),
    /// Nothing more is written.
    Done,
}

impl OpenFile {
    /// Creates a file in the format that its name asks for, to begin at `first` of the take.
    pub(super) fn create(
        disk: &dyn Disk,
        path: &Path,
        spec: &WavSpec,
        tags: &Tags,
        overwrite: Overwrite,
        first: u64,
    ) -> Result<Self, FileError> {
        let kind = FileKind::of_path(path)?;
        // A file is made when all else is found good.
        AudioWriter::supports(kind, spec, tags)?;
        Ok(Self {
            pen: Pen::Blank(disk.create(path, overwrite)?),
            kind,
            path: path.to_owned(),
            first,
            lasting: 0,
            is_told: false,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Position in the take behind its last frame.
    pub(super) fn end(&self) -> u64 {
        match &self.pen {
            Pen::Writing(writer) => self.first + writer.frames(),
            Pen::Blank(_) | Pen::Done => self.lasting_end(),
        }
    }

    /// Position in the take behind its last frame that lasts.
    pub(super) fn lasting_end(&self) -> u64 {
        self.first + self.lasting
    }

    /// Bytes of the file so far.
    pub(super) fn bytes(&self) -> u64 {
        match &self.pen {
            Pen::Writing(writer) => writer.bytes(),
            Pen::Blank(_) | Pen::Done => 0,
        }
    }

    /// Its last frames last from its end on, not from a checkpoint.
    pub(super) fn holds_back(&self) -> bool {
        self.kind != FileKind::Wav
    }

    /// Whether it can be found under its path, the first time that it is so.
    pub(super) fn is_news(&mut self) -> bool {
        !std::mem::replace(&mut self.is_told, true)
    }

    /// Begins elsewhere in the take than was thought; it has not begun.
    pub(super) fn move_first(&mut self, first: u64) {
        self.first = first;
    }

    /// Writes what stands before the sound, unless that is done.
    pub(super) fn begin(
        &mut self,
        disk: &dyn Disk,
        spec: WavSpec,
        tags: impl FnOnce() -> Tags,
        overwrite: Overwrite,
    ) -> Result<(), FileError> {
        self.pen = match std::mem::replace(&mut self.pen, Pen::Done) {
            Pen::Blank(storage) => match AudioWriter::on(storage, self.kind, spec, &tags()) {
                Ok(writer) => Pen::Writing(writer),
                Err(error) => {
                    // It may be tried again.
                    self.pen = Pen::Blank(disk.create(&self.path, overwrite)?);
                    return Err(error);
                }
            },
            pen => pen,
        };
        Ok(())
    }

    pub(super) fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        match &mut self.pen {
            Pen::Writing(writer) => writer.write(interleaved),
            Pen::Blank(_) | Pen::Done => Err(FileError::NoRoom {
                frames: self.lasting,
            }),
        }
    }

    pub(super) fn label(&mut self, label: Label) {
        if let Pen::Writing(writer) = &mut self.pen {
            writer.label(label);
        }
    }

    pub(super) fn checkpoint(&mut self) -> Result<(), FileError> {
        if let Pen::Writing(writer) = &mut self.pen {
            writer.checkpoint()?;
            self.lasting = writer.lasting_frames();
        }
        Ok(())
    }

    /// Closes it; all its frames last then.
    pub(super) fn finish(&mut self) -> Result<(), FileError> {
        if let Pen::Writing(writer) = std::mem::replace(&mut self.pen, Pen::Done) {
            self.lasting = writer.finish()?;
        }
        Ok(())
    }
}
